using HerokuMigrator.Catalog;

namespace HerokuMigrator.History;

/// <summary>A change of phase; the one before is null for the first.</summary>
internal sealed record PhaseChange(DateTimeOffset At, MigrationPhase? From, MigrationPhase To);

/// <summary>How far the copy, or the replication, was at one moment; what does not apply is null.</summary>
/// <param name="CopiedBytes">Of the tables' size on the source.</param>
/// <param name="BacklogRows">Rows in the delta tables by the source's statistics, with those that are replayed and not purged yet.</param>
/// <param name="LagSeconds">Since a run of the sync last ended well.</param>
/// <param name="Throttle">Why the copy went slower than it could.</param>
internal sealed record HistorySample(DateTimeOffset At, MigrationPhase Phase, long? CopiedBytes, long? CopiedRows, long? BacklogRows, double? LagSeconds, string? Throttle);

/// <summary>One table's copy. Its times are null where there is none, or where it is not done.</summary>
/// <param name="Name">Schema and table, quoted.</param>
/// <param name="Bytes">That went through the streams.</param>
internal sealed record TableHistory(string Name, TransferMode Mode, string ModeReason, long Rows, long Bytes, DateTimeOffset? BegunAt, DateTimeOffset? CopiedAt)
{
    public double? Seconds => CopiedAt - BegunAt is { } time ? time.TotalSeconds : null;
}

/// <summary>A switch, or the undoing of one.</summary>
internal sealed record SwitchRecord(DateTimeOffset At, bool IsUndo, TrafficSwitch Result);

/// <summary>What is kept of a migration: the state on the target holds it while that lives, a file of the home afterwards.</summary>
internal sealed record MigrationHistory
{
    public required string Name { get; init; }

    public required MigrationPhase Phase { get; init; }

    public DatabaseAddress? Source { get; init; }

    public DatabaseAddress? Target { get; init; }

    public required DateTimeOffset GatheredAt { get; init; }

    public DateTimeOffset? StartedAt { get; init; }

    public DateTimeOffset? EndedAt { get; init; }

    public string? Failure { get; init; }

    public IReadOnlyList<PhaseChange> Phases { get; init; } = [];

    public IReadOnlyList<HistorySample> Samples { get; init; } = [];

    public IReadOnlyList<TableHistory> Tables { get; init; } = [];

    /// <summary>Each table's last, without the rows that differed.</summary>
    public IReadOnlyList<DataComparison> Comparisons { get; init; } = [];

    public IReadOnlyList<TableProof> Proofs { get; init; } = [];

    public IReadOnlyList<SwitchRecord> Switches { get; init; } = [];

    /// <summary>What was found when the migration was begun; null where it was not kept.</summary>
    public ReadinessReport? Readiness { get; init; }
}
