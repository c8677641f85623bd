using System.Collections.Concurrent;

namespace HerokuMigrator.Integration;

/// <summary>Keeps what the engine told, for a spec to look at.</summary>
public sealed class RecordedEvents : IOperationEvents
{
    private readonly ConcurrentQueue<string> _texts = new();
    private readonly ConcurrentQueue<string> _warnings = new();

    public IReadOnlyList<string> Texts => [.. _texts];

    public IReadOnlyList<string> Warnings => [.. _warnings];

    public void Progress(OperationProgress progress) => _texts.Enqueue(progress.ToString());

    public void Verbose(string message) => _texts.Enqueue(message);

    public void Debug(string message) => _texts.Enqueue(message);

    public void Information(string message) => _texts.Enqueue(message);

    public void Warning(string message)
    {
        _texts.Enqueue(message);
        _warnings.Enqueue(message);
    }
}
