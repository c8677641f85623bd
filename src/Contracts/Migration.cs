namespace HerokuMigrator;

/// <summary>A migration as a whole, as its state in the target tells it.</summary>
public sealed record Migration
{
    public required string Name { get; init; }

    public required MigrationPhase Phase { get; init; }

    public required DatabaseAddress Source { get; init; }

    public required DatabaseAddress Target { get; init; }

    /// <summary>When the migration was begun.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>When it was completed or stopped; null while it lives.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>Tables whose rows are moved: plain tables and the leaves of partitioned ones.</summary>
    public int Tables { get; init; }

    /// <summary>Tables without a key that lets changes be replayed: those of them that are written meanwhile are copied again under the fence.</summary>
    public int TablesCopiedWhole { get; init; }

    /// <summary>Tables without a usable key that were made on the target and whose rows are not moved, as the start was told (KeylessTable.Skip).</summary>
    public IReadOnlyList<string> TablesLeftOut { get; init; } = [];

    /// <summary>Rows of the initial copy.</summary>
    public long RowsCopied { get; init; }

    /// <summary>The folder that holds what can be rebuilt: the embedded Bucardo, its logs, the service and password files.</summary>
    public string Home { get; init; } = "";

    public override string ToString() => $"{Name}: {Phase}, {Source} -> {Target}";
}
