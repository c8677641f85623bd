using System.Diagnostics;

namespace HerokuMigrator.Cli;

/// <summary>
/// The engine's events on standard error: warnings always, the rest with --verbose.
/// Progress is one line that rewrites itself on a terminal, and elsewhere a line now and then.
/// </summary>
internal sealed class ConsoleEvents(Terminal terminal, bool verbose) : IOperationEvents, IDisposable
{
    private static readonly TimeSpan LogInterval = TimeSpan.FromSeconds(10);
    private readonly Lock _gate = new();
    private readonly Dictionary<string, long> _lastLogged = [];
    private int _lineLength;

    public void Progress(OperationProgress progress)
    {
        lock (_gate)
        {
            if (terminal.ErrorIsTerminal)
            {
                Rewrite(progress);
            }
            else
            {
                Log(progress);
            }
        }
    }

    public void Verbose(string message) => WriteVerbose(message);

    public void Debug(string message)
    {
        if (verbose)
        {
            WriteLine(terminal.ErrorPaint.Faint(message));
        }
    }

    public void Information(string message) => WriteVerbose(message);

    public void Warning(string message) => WriteLine($"{terminal.ErrorPaint.Yellow("warning")}: {message}");

    public void Dispose()
    {
        lock (_gate)
        {
            ClearLine();
        }
    }

    private static string Describe(OperationProgress progress) =>
        progress.Percent is { } percent ? $"{progress.Activity}: {percent} %, {progress.Status}" : $"{progress.Activity}: {progress.Status}";

    private void WriteVerbose(string message)
    {
        if (verbose)
        {
            WriteLine(message);
        }
    }

    private void WriteLine(string text)
    {
        lock (_gate)
        {
            ClearLine();
            terminal.Error.WriteLine(text);
        }
    }

    private void Rewrite(OperationProgress progress)
    {
        ClearLine();
        if (progress.Completed)
        {
            return;
        }

        var width = Math.Max(20, Console.WindowWidth - 1);
        var text = Describe(progress);
        text = text.Length > width ? text[..width] : text;
        terminal.Error.Write(text);
        _lineLength = text.Length;
    }

    private void ClearLine()
    {
        if (_lineLength > 0)
        {
            terminal.Error.Write($"\r{new string(' ', _lineLength)}\r");
            _lineLength = 0;
        }
    }

    private void Log(OperationProgress progress)
    {
        var known = _lastLogged.TryGetValue(progress.Activity, out var last);
        if (progress.Completed || (known && Stopwatch.GetElapsedTime(last) < LogInterval))
        {
            return;
        }

        _lastLogged[progress.Activity] = Stopwatch.GetTimestamp();
        terminal.Error.WriteLine(Describe(progress));
    }
}
