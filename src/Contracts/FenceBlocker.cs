namespace HerokuMigrator;

/// <summary>Who holds a lock on the source that keeps the fence out: a session, or a prepared transaction.</summary>
public sealed record FenceBlocker
{
    /// <summary>The session's process on the source's server; null for a prepared transaction.</summary>
    public int? ProcessId { get; init; }

    /// <summary>What PREPARE TRANSACTION named it; null for a session.</summary>
    public string? PreparedTransaction { get; init; }

    /// <summary>The role; empty for a process of the server itself.</summary>
    public required string Role { get; init; }

    public required string Application { get; init; }

    /// <summary>As pg_stat_activity tells it: active, idle in transaction; or prepared; or autovacuum.</summary>
    public required string State { get; init; }

    /// <summary>Seconds since its transaction began.</summary>
    public required double TransactionSeconds { get; init; }

    /// <summary>Seconds since its latest statement began; null for a prepared transaction.</summary>
    public double? StatementSeconds { get; init; }

    /// <summary>Tables of the fence that it has locked, at most ten of them.</summary>
    public IReadOnlyList<string> Tables { get; init; } = [];

    /// <summary>True where it was ended for the fence.</summary>
    public bool Ended { get; init; }

    public override string ToString() =>
        (ProcessId is { } pid ? $"pid {pid}" : $"prepared transaction '{PreparedTransaction}'")
        + $" (user {(Role.Length > 0 ? Role : "?")}, application '{Application}', {State}, transaction open for {TransactionSeconds:0.0} s"
        + (StatementSeconds is { } statement ? $", statement for {statement:0.0} s)" : ")");
}
