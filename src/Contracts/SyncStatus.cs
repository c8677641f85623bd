namespace HerokuMigrator;

/// <summary>How a migration fares at one moment.</summary>
public enum SyncHealth
{
    /// <summary>Nothing runs that could be healthy or not: before the start, after the end, while suspended.</summary>
    Idle,
    Healthy,

    /// <summary>It goes on, but something needs a look; <see cref="SyncStatus.Problems"/> says what.</summary>
    Degraded,

    /// <summary>Changes are not being applied.</summary>
    Broken,
}

/// <summary>Where a migration stands.</summary>
public sealed record SyncStatus
{
    public required string Name { get; init; }

    public required MigrationPhase Phase { get; init; }

    public required SyncHealth Health { get; init; }

    /// <summary>What is wrong, each in a sentence; empty where nothing is.</summary>
    public IReadOnlyList<string> Problems { get; init; } = [];

    public DatabaseAddress? Source { get; init; }

    public DatabaseAddress? Target { get; init; }

    public DateTimeOffset SampledAt { get; init; }

    /// <summary>Tables to move, and how many of them have had their initial copy.</summary>
    public int Tables { get; init; }

    public int TablesCopied { get; init; }

    /// <summary>Tables without a usable key: those of them that are written meanwhile are copied again under the fence.</summary>
    public int TablesCopiedWhole { get; init; }

    /// <summary>Tables without a usable key that were made on the target and whose rows are not moved, as the start was told (KeylessTable.Skip).</summary>
    public IReadOnlyList<string> TablesLeftOut { get; init; } = [];

    /// <summary>Rows of the initial copy so far.</summary>
    public long RowsCopied { get; init; }

    /// <summary>How far the initial copy is; null where none is under way.</summary>
    public CopyStatus? Copy { get; init; }

    /// <summary>Captured changes (rows in the delta tables) that are not on the target yet; null where the source was not asked.</summary>
    public long? Backlog { get; init; }

    /// <summary>Age in seconds of the oldest change that is not on the target yet; 0 with an empty backlog.</summary>
    public double? LagSeconds { get; init; }

    /// <summary>True while the Bucardo daemon of this migration runs.</summary>
    public bool DaemonRunning { get; init; }

    /// <summary>When a run of the sync last ended well, by the control database.</summary>
    public DateTimeOffset? LastGoodRun { get; init; }

    /// <summary>Each table that Test-MigrationData has compared, with when it was last shown to be equal.</summary>
    public IReadOnlyList<TableProof> Proofs { get; init; } = [];

    /// <summary>Whether Invoke-TrafficSwitch may be called now.</summary>
    public SwitchReadiness SwitchReadiness { get; init; } = SwitchReadiness.Blocked;

    /// <summary>What that rests on, the gravest first; empty where nothing is to be said.</summary>
    public IReadOnlyList<SwitchReason> SwitchReasons { get; init; } = [];

    /// <summary>Those of <see cref="SwitchReasons"/> that <see cref="Problems"/> do not say as well.</summary>
    public IEnumerable<SwitchReason> ReasonsBesideProblems() =>
        SwitchReasons.Where(reason => !Problems.Any(problem => problem.StartsWith(reason.Finding, StringComparison.Ordinal)));

    /// <summary>True where a switch may be called now: its readiness is Ready or Warning.</summary>
    public bool ReadyToSwitch => SwitchReadiness != SwitchReadiness.Blocked;

    public override string ToString() =>
        $"{Name}: {Phase}, {Health}" + (Copy is { IsCopying: true } copy ? $", {copy}" : "") + (Backlog is { } backlog ? $", backlog {backlog}" : "") + (LagSeconds is { } lag ? $", lag {lag:0.0} s" : "");
}
