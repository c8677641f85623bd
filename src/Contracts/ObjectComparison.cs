namespace HerokuMigrator;

/// <summary>An object of the schema that is not the same on both sides.</summary>
public sealed record ObjectDifference
{
    public required DifferenceKind Kind { get; init; }

    /// <summary>Its name, with schema and table, as SQL writes it.</summary>
    public required string Object { get; init; }

    /// <summary>What it is on the source; null where it is not there.</summary>
    public string? Source { get; init; }

    public string? Target { get; init; }

    /// <summary>It is made under the fence, by the switch, and does not count until then.</summary>
    public bool WaitsForFence { get; init; }

    public override string ToString() => $"{Kind} {Object}" + (WaitsForFence ? " (made by the switch)" : Kind == DifferenceKind.Changed ? $": {Source} became {Target}" : "");
}

/// <summary>All objects of one kind on both sides.</summary>
public sealed record ObjectComparison
{
    /// <summary>The migration's name.</summary>
    public required string Name { get; init; }

    /// <summary>Extension, Type, Table, Column, Index, Constraint, Sequence, View, Function, Trigger, Rule, Policy.</summary>
    public required string Kind { get; init; }

    /// <summary>Equal or Different.</summary>
    public required ComparisonOutcome Outcome { get; init; }

    /// <summary>How many there are on the source.</summary>
    public int Objects { get; init; }

    /// <summary>All of them, also those that wait for the fence.</summary>
    public IReadOnlyList<ObjectDifference> Differences { get; init; } = [];

    /// <summary>What was left out of the comparison, and why; empty where nothing was.</summary>
    public string Detail { get; init; } = "";

    public DateTimeOffset ComparedAt { get; init; }

    public override string ToString() => $"{Kind}: {Outcome}" + (Differences.Count > 0 ? $", {string.Join("; ", Differences)}" : "");
}
