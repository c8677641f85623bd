namespace HerokuMigrator;

/// <summary>What a switch, or the undoing of one, did.</summary>
public sealed record TrafficSwitch
{
    public required string Name { get; init; }

    public required MigrationPhase Phase { get; init; }

    public DatabaseAddress? Source { get; init; }

    public DatabaseAddress? Target { get; init; }

    /// <summary>When the fence closed: from here on no application role can write to the source.</summary>
    public DateTimeOffset? FencedAt { get; init; }

    /// <summary>When the target was proven complete and safe to write to.</summary>
    public DateTimeOffset? SafeAt { get; init; }

    /// <summary>Milliseconds from the moment that writes were held back to the moment that the target was safe to write to.</summary>
    public double? WritePauseMs { get; init; }

    /// <summary>True for a rehearsal: the fence was taken away again, and nothing was handed over.</summary>
    public bool IsRehearsal { get; init; }

    /// <summary>After a rehearsal: milliseconds that a switch at that moment would have held writes back.</summary>
    public double? PredictedPauseMs { get; init; }

    /// <summary>What was compared under the fence, as far as its budget allowed; all of it was equal.</summary>
    public IReadOnlyList<TableSample> Compared { get; init; } = [];

    /// <summary>What took how long.</summary>
    public IReadOnlyList<SwitchStep> Steps { get; init; } = [];

    /// <summary>Who kept an attempt at the fence out, with the age of its transaction and statement.</summary>
    public IReadOnlyList<FenceBlocker> Blockers { get; init; } = [];

    /// <summary>Attempts that the fence took to get its locks.</summary>
    public int LockAttempts { get; init; }

    /// <summary>Milliseconds in all that writers may have queued behind attempts that did not get their locks; not part of <see cref="WritePauseMs"/>.</summary>
    public double FailedAttemptsMs { get; init; }

    /// <summary>Milliseconds from the sentinel's commit on the source to its being seen on the target.</summary>
    public double? SentinelMs { get; init; }

    public int TablesFenced { get; init; }

    /// <summary>Roles that lost a privilege by the fence, or got it back by the undo.</summary>
    public IReadOnlyList<string> Roles { get; init; } = [];

    public int SequencesSet { get; init; }

    /// <summary>Large objects that were copied, with their oids, under the fence.</summary>
    public int LargeObjectsCopied { get; init; }

    /// <summary>Tables and sequences of extensions, named as on the target, whose rows that users put in were carried under the fence.</summary>
    public IReadOnlyList<string> ExtensionTablesCopied { get; init; } = [];

    /// <summary>Tables that were copied whole under the fence.</summary>
    public IReadOnlyList<string> TablesCopiedWhole { get; init; } = [];

    /// <summary>Tables without a usable key that were made on the target and whose rows are not moved, as the start was told (KeylessTable.Skip).</summary>
    public IReadOnlyList<string> TablesLeftOut { get; init; } = [];

    /// <summary>After an undo: tables that were written on the target since the switch, or, where its server lost its counters, may have been; those writes are not on the source.</summary>
    public IReadOnlyList<string> TablesWrittenOnTarget { get; init; } = [];

    /// <summary>The SQL that takes the fence away again, for use without this program.</summary>
    public string? UndoFile { get; init; }

    /// <summary>The JSON file that tells what was fenced, proven and how long it took.</summary>
    public string? CertificateFile { get; init; }

    public override string ToString() =>
        $"{Name}: {Phase}" + (IsRehearsal ? ", rehearsed" : "") + (WritePauseMs is { } pause ? $", writes paused {pause:0} ms" : "")
        + (PredictedPauseMs is { } predicted ? $", a switch would pause them {predicted:0} ms" : "");
}
