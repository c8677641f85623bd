using System.Runtime.ExceptionServices;
using System.Text;

namespace HerokuMigrator.Processes;

/// <summary>Keeps the lines of one output, and hands each to the handler where there is one.</summary>
internal sealed class OutputLines(Action<string>? handler, Func<string, string> redact)
{
    private const int TailCharacters = 1_000_000;

    private readonly StringBuilder _kept = new();
    private ExceptionDispatchInfo? _failure;

    public override string ToString() => _kept.ToString();

    /// <summary>Never throws: a pipe that nobody reads would stop the program for ever.</summary>
    public void Add(string read)
    {
        try
        {
            var line = redact(read);
            _kept.Append(line).Append('\n');
            if (handler is null)
                return;
            if (_kept.Length > 2 * TailCharacters)
                _kept.Remove(0, _kept.Length - TailCharacters);
            if (_failure is null)
                handler(line);
        }
        catch (Exception exception)
        {
            _failure ??= ExceptionDispatchInfo.Capture(exception);
        }
    }

    /// <summary>Throws what the handler threw first.</summary>
    public void ThrowIfFailed() => _failure?.Throw();
}
