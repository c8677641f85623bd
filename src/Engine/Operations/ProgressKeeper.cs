namespace HerokuMigrator.Operations;

/// <summary>Hands events on, and remembers how far the step at hand said that it is.</summary>
internal sealed class ProgressKeeper(IOperationEvents face) : IOperationEvents
{
    /// <summary>Null before the first, and once it is over.</summary>
    public OperationProgress? Latest { get; set; }

    public void Progress(OperationProgress progress)
    {
        Latest = progress.Completed ? null : progress;
        face.Progress(progress);
    }

    public void Verbose(string message) => face.Verbose(message);

    public void Debug(string message) => face.Debug(message);

    public void Information(string message) => face.Information(message);

    public void Warning(string message) => face.Warning(message);

    public void PhaseChanged(SyncStatus status) => face.PhaseChanged(status);
}
