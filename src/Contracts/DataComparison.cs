namespace HerokuMigrator;

/// <summary>What a comparison of a table came to.</summary>
public enum ComparisonOutcome
{
    /// <summary>All rows that were compared are the same on both sides.</summary>
    Equal,

    /// <summary>Rows differed, and are equal since they were replayed once more (-Repair).</summary>
    Repaired,

    /// <summary>Rows differ, and no change of them is pending.</summary>
    Different,

    /// <summary>Neither could be shown; <see cref="DataComparison.Detail"/> says why.</summary>
    Unproven,

    /// <summary>Not looked at; <see cref="DataComparison.Detail"/> says why.</summary>
    NotCompared,
}

/// <summary>How a row differs.</summary>
public enum DifferenceKind
{
    /// <summary>On the source only.</summary>
    Missing,

    /// <summary>On the target only.</summary>
    Extra,

    /// <summary>On both sides, with different values.</summary>
    Changed,
}

/// <summary>A row that differs.</summary>
public sealed record DataDifference
{
    public required DifferenceKind Kind { get; init; }

    /// <summary>The columns of the key with their values; empty where the table has no usable key.</summary>
    public required string Key { get; init; }

    /// <summary>The columns that differ; all of the row's where it is on one side only.</summary>
    public IReadOnlyList<string> Columns { get; init; } = [];

    /// <summary>Those columns on the source, long values shortened; null where the row is not there.</summary>
    public string? Source { get; init; }

    /// <summary>The same on the target.</summary>
    public string? Target { get; init; }

    /// <summary>True where a repair made it equal.</summary>
    public bool Repaired { get; init; }

    public override string ToString() => Kind switch
    {
        DifferenceKind.Missing => $"{Kind} {(Key.Length > 0 ? Key : Source)}",
        DifferenceKind.Extra => $"{Kind} {(Key.Length > 0 ? Key : Target)}",
        _ => $"{Kind} {Key}: {Source} became {Target}",
    };
}

/// <summary>What comparisons so far came to for a table.</summary>
/// <param name="Table">Schema and table, quoted.</param>
/// <param name="ComparedAt">When it was compared last.</param>
/// <param name="Outcome">What that came to.</param>
/// <param name="ProvenAt">When all of it was last shown to be equal; null: never.</param>
public sealed record TableProof(string Table, DateTimeOffset ComparedAt, ComparisonOutcome Outcome, DateTimeOffset? ProvenAt)
{
    public override string ToString() => ProvenAt is { } at ? $"{Table}: equal at {at.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC" : $"{Table}: {Outcome}";
}

/// <summary>One table's content on both sides.</summary>
public sealed record DataComparison
{
    /// <summary>The migration's name.</summary>
    public required string Name { get; init; }

    /// <summary>Schema and table, quoted.</summary>
    public required string Table { get; init; }

    public required ComparisonOutcome Outcome { get; init; }

    /// <summary>What is to be said of the outcome; empty where nothing is.</summary>
    public string Detail { get; init; } = "";

    /// <summary>Rows that were read on the source; of chunks that were compared only.</summary>
    public long SourceRows { get; init; }

    public long TargetRows { get; init; }

    /// <summary>Rows that differ, or differed before they were repaired.</summary>
    public long RowsDiffering { get; init; }

    /// <summary>The first of these, 100 at most.</summary>
    public IReadOnlyList<DataDifference> Differences { get; init; } = [];

    public long RowsRepaired { get; init; }

    /// <summary>Rows that were changed, or waiting to be replayed, each time that they were looked at.</summary>
    public long RowsUnsettled { get; init; }

    /// <summary>Parts that the table is compared in, and how many of them were.</summary>
    public int Chunks { get; init; }

    public int ChunksCompared { get; init; }

    /// <summary>Size of what was compared, on the source.</summary>
    public long Bytes { get; init; }

    public double Seconds { get; init; }

    public DateTimeOffset ComparedAt { get; init; }

    /// <summary>True where nothing was found that a switch would have to fear: equal, repaired, or left out for a stated reason.</summary>
    public bool IsGood => Outcome is ComparisonOutcome.Equal or ComparisonOutcome.Repaired or ComparisonOutcome.NotCompared;

    public override string ToString() => $"{Table}: {Outcome}" + (Detail.Length > 0 ? $", {Detail}" : "");
}
