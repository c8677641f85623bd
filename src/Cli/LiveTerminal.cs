using HerokuMigrator.Reporting;

namespace HerokuMigrator.Cli;

/// <summary>A live view on standard output, or lines where that is no terminal; on standard error where standard output is for a document.</summary>
internal sealed class LiveTerminal(Terminal terminal, bool asJson) : IDisposable
{
    private readonly LiveLines _lines = new();
    private readonly LiveView? _view = !asJson && terminal.OutputIsScreen ? new LiveView(terminal.OutputPaint.ForReports(), LiveView.IsUnicode(Console.OutputEncoding)) : null;

    public void Show(LiveStatus live)
    {
        if (_view is not null)
        {
            // Asked each time, as it may have been resized.
            terminal.Output.Write(_view.Draw(live, Width(), Height()));
        }
        else if (_lines.Next(live.Status) is { } line)
        {
            (asJson ? terminal.Error : terminal.Output).WriteLine(line);
        }
    }

    /// <summary>The result follows, so the frame goes.</summary>
    public void Dispose() => terminal.Output.Write(_view?.End(keepFrame: false) ?? "");

    private static int Width() => Console.WindowWidth is > 0 and var width ? width : LiveView.DefaultWidth;

    private static int Height() => Console.WindowHeight is > 0 and var height ? height : LiveView.DefaultHeight;
}
