namespace HerokuMigrator.Lab;

/// <summary>How hard the writers write.</summary>
public sealed record WorkloadOptions
{
    /// <summary>Connections that write; one in four is the second credential's, the others are the owner's.</summary>
    public int Clients { get; init; } = 8;

    /// <summary>Of all clients together; what could not be written in time is not made up for.</summary>
    public double TransactionsPerSecond { get; init; } = 300;

    /// <summary>How often one table, which nothing refers to, is truncated; null: never.</summary>
    public TimeSpan? TruncateEvery { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>Truncates a table that is referred to, too, by TRUNCATE … CASCADE.</summary>
    public bool TruncateReferenced { get; init; }

    /// <summary>Connections that only read, ten times a second each.</summary>
    public int Readers { get; init; } = 1;

    /// <summary>Sessions beside the others, each of which holds a transaction that has written open for 2 s, and then rests for 3 s.</summary>
    public int LongTransactions { get; init; }

    public int Seed { get; init; } = 1;

    /// <summary>A ledger that goes on from an earlier workload on the same database.</summary>
    public Ledger? Ledger { get; init; }
}
