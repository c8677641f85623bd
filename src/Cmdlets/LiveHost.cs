using System.Management.Automation;
using System.Management.Automation.Host;
using HerokuMigrator.Reporting;

namespace HerokuMigrator.Commands;

/// <summary>A live view on PowerShell's host, or lines where that is no terminal. To be used on the pipeline's thread.</summary>
internal sealed class LiveHost(PSCmdlet cmdlet) : IDisposable
{
    private readonly LiveLines _lines = new();
    private readonly LiveView? _view = PowerShellHost.IsWatched(cmdlet.Host) && cmdlet.Host.UI.SupportsVirtualTerminal
        ? new LiveView(HostStyle.For(PSObject.AsPSObject(cmdlet.GetVariableValue("PSStyle"))), LiveView.IsUnicode(Console.OutputEncoding))
        : null;

    private bool _isDone;

    public void Show(LiveStatus live)
    {
        if (_view is not null)
        {
            // Asked each time, as it may have been resized.
            var size = HostStyle.SizeOf(cmdlet.Host);
            cmdlet.Host.UI.Write(_view.Draw(live, size.Width, size.Height));
        }
        else if (_lines.Next(live.Status) is { } line)
        {
            HostLine.Write(cmdlet, line);
        }
    }

    /// <summary>Takes the frame away, for something else to be written there; the next one comes below it.</summary>
    public void Clear()
    {
        if (_view is not null)
        {
            cmdlet.Host.UI.Write(_view.End(keepFrame: false));
        }
    }

    /// <summary>The status follows on the pipeline, so the frame goes; after Ctrl-C it stays.</summary>
    public void Done() => _isDone = true;

    public void Dispose()
    {
        if (_view is null)
        {
            return;
        }

        try
        {
            cmdlet.Host.UI.Write(_view.End(keepFrame: !_isDone));
        }
        catch (Exception exception) when (exception is HostException or PipelineStoppedException or NotImplementedException or InvalidOperationException)
        {
            // The host is going too.
        }
    }
}
