using System.Collections.Concurrent;

namespace HerokuMigrator.Lab;

/// <summary>Keeps what the engine told, for a spec to look at.</summary>
public sealed class RecordedEvents : IOperationEvents
{
    private readonly ConcurrentQueue<string> _texts = new();
    private readonly ConcurrentQueue<string> _warnings = new();

    /// <summary>Called with each text before the engine goes on: lets a spec act at a certain step.</summary>
    public Action<string>? OnText { get; set; }

    public IReadOnlyList<string> Texts => [.. _texts];

    public IReadOnlyList<string> Warnings => [.. _warnings];

    public void Progress(OperationProgress progress) => Add(progress.ToString());

    public void Verbose(string message) => Add(message);

    public void Debug(string message) => Add(message);

    public void Information(string message) => Add(message);

    public void Warning(string message)
    {
        _warnings.Enqueue(message);
        Add(message);
    }

    private void Add(string text)
    {
        _texts.Enqueue(text);
        OnText?.Invoke(text);
    }
}
