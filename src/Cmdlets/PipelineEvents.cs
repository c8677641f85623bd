using System.Collections.Concurrent;
using System.Management.Automation;

namespace HerokuMigrator.Commands;

/// <summary>Carries the engine's events from its threads to the pipeline's, which alone may write.</summary>
/// <param name="cmdlet">What writes.</param>
/// <param name="onPhaseChange">The user's own script; null: none.</param>
/// <param name="watched">Somebody sees the progress bar; else its place is taken by a line of information for each activity and one a minute.</param>
internal sealed class PipelineEvents(Cmdlet cmdlet, bool watched, PhaseScript? onPhaseChange = null) : IOperationEvents
{
    private const string Tag = "HerokuMigrator";
    private static readonly string[] AuditTags = [Tag, "Audit"];
    private static readonly string[] ProgressTags = [Tag, "Progress"];
    private readonly BlockingCollection<Action> _queue = [];
    private readonly Dictionary<string, ProgressRecord> _activities = [];
    private readonly ProgressLines _lines = new();

    public void Progress(OperationProgress progress) => Post(() => WriteProgress(progress));

    public void Verbose(string message) => Post(() => cmdlet.WriteVerbose(message));

    public void Debug(string message) => Post(() => cmdlet.WriteDebug(message));

    public void Information(string message) => Post(() => cmdlet.WriteInformation(message, AuditTags));

    public void Warning(string message) => Post(() => cmdlet.WriteWarning(message));

    public void PhaseChanged(SyncStatus status)
    {
        if (onPhaseChange is not null)
        {
            Post(() => onPhaseChange.Run(cmdlet, status));
        }
    }

    /// <summary>Runs something on the pipeline's thread, and ends when it is done.</summary>
    public async Task RunAsync(Action action, CancellationToken cancellationToken)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(() =>
        {
            action();
            done.SetResult();
        });
        await done.Task.WaitAsync(cancellationToken);
    }

    /// <summary>An object of the result, before the operation has ended.</summary>
    public void Output(object result) => Post(() => cmdlet.WriteObject(result));

    /// <summary>No more events are coming; the pump ends once it has written what is there.</summary>
    public void Complete() => _queue.CompleteAdding();

    /// <summary>Writes events on this thread until <see cref="Complete"/> was called; throws OperationCanceledException on cancellation.</summary>
    public void Pump(CancellationToken cancellationToken)
    {
        foreach (var write in _queue.GetConsumingEnumerable(cancellationToken))
        {
            write();
        }

        foreach (var record in _activities.Values)
        {
            Finish(record);
        }
    }

    private void Post(Action write)
    {
        try
        {
            _queue.Add(write);
        }
        catch (InvalidOperationException)
        {
            // The operation has ended; a late event of a straggling thread has no reader any more.
        }
    }

    private void WriteProgress(OperationProgress progress)
    {
        if (!watched && _lines.Next(progress) is { } line)
        {
            cmdlet.WriteInformation(line, ProgressTags);
        }

        if (!_activities.TryGetValue(progress.Activity, out var record))
        {
            record = new ProgressRecord(_activities.Count + 1, progress.Activity, progress.Activity);
            _activities.Add(progress.Activity, record);
        }

        if (progress.Completed)
        {
            Finish(record);
            _activities.Remove(progress.Activity);
            return;
        }

        record.StatusDescription = string.IsNullOrEmpty(progress.Status) ? " " : progress.Status;
        record.PercentComplete = progress.Percent is { } percent ? Math.Clamp(percent, 0, 100) : -1;
        cmdlet.WriteProgress(record);
    }

    private void Finish(ProgressRecord record)
    {
        record.RecordType = ProgressRecordType.Completed;
        cmdlet.WriteProgress(record);
    }
}
