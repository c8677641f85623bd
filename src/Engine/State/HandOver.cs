using HerokuMigrator.Processes;

namespace HerokuMigrator.State;

/// <summary>A start that was handed to a worker and has not ended.</summary>
/// <param name="Id">Of this hand-over alone; a worker that finds another one in the state has been replaced.</param>
/// <param name="Machine">Where the worker runs.</param>
/// <param name="Pid">Null until it was started.</param>
/// <param name="Ticks">When it was started, as the system counts it: tells a later process of the same id apart.</param>
internal sealed record HandOver(string Id, string Machine, int? Pid, string? Ticks)
{
    public bool IsHere => Machine == Environment.MachineName;

    /// <summary>To be asked on the worker's machine only.</summary>
    public bool IsAlive => Pid is { } pid && ProcessTree.Read(pid) is { } process && (Ticks is null || process.StartTicks == Ticks);

    public static HandOver New() => new(Guid.NewGuid().ToString("N"), Environment.MachineName, null, null);

    public HandOver To(int pid) => this with { Pid = pid, Ticks = ProcessTree.Read(pid)?.StartTicks };
}

/// <summary>What a worker met, for whoever watches it: the same error, with all that a person can act on.</summary>
internal sealed record HandOverError(
    string HandOverId, string ErrorId, ErrorKind Kind, string Message, string RecommendedAction, string? Subject, bool IsRefusal, string? SqlState)
{
    public static HandOverError Of(string handOverId, MigrationException exception) =>
        new(handOverId, exception.ErrorId, exception.Kind, exception.Message, exception.RecommendedAction, exception.Subject, exception.IsRefusal, exception.SqlState);

    public MigrationException ToException() =>
        new(ErrorId, Kind, Message, RecommendedAction) { Subject = Subject, IsRefusal = IsRefusal, SqlState = SqlState };
}

/// <summary>What a program that works tells about once a second.</summary>
internal sealed record SavedProgress(OperationProgress? Now, CopyStatus? Copy, int Pid);

/// <summary>All that one look at a start under way needs.</summary>
/// <param name="Phase">Where the migration stands.</param>
/// <param name="Open">Null where no start is in a worker's hands.</param>
/// <param name="Error">What the last worker met.</param>
/// <param name="Progress">Of whatever program works, or worked last.</param>
/// <param name="AgeSeconds">How old the progress is, by the target's clock.</param>
internal sealed record HandOverView(MigrationPhase Phase, HandOver? Open, HandOverError? Error, SavedProgress? Progress, double? AgeSeconds);
