namespace HerokuMigrator.Cli;

/// <summary>
/// The engine's events on standard error: warnings always, the rest with --verbose.
/// Progress is one line that rewrites itself on a terminal, and elsewhere a line for each activity and one a minute.
/// </summary>
internal sealed class ConsoleEvents(Terminal terminal, bool verbose) : IOperationEvents, IDisposable
{
    private readonly Lock _gate = new();
    private readonly ProgressLines _lines = new();
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
        var text = ProgressLines.Describe(progress);
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
        if (_lines.Next(progress) is { } line)
        {
            terminal.Error.WriteLine(line);
        }
    }
}
