namespace HerokuMigrator.Lab;

/// <summary>One transaction of a writer; its id is a row of <c>public.ledger</c>, written by that transaction.</summary>
public sealed record LedgerEntry(Guid Id, int Writer, string Kind, DateTimeOffset At)
{
    public override string ToString() => $"{Kind} {Id} at {At:HH:mm:ss.fff}";
}

/// <summary>What the writers know of their own transactions, kept outside of any database.</summary>
public sealed class Ledger
{
    private readonly Lock _lock = new();
    private readonly List<LedgerEntry> _committed = [];
    private readonly List<LedgerEntry> _uncertain = [];

    /// <summary>COMMIT returned: a database that has not this row lost a transaction.</summary>
    public IReadOnlyList<LedgerEntry> Committed
    {
        get
        {
            lock (_lock)
            {
                return [.. _committed];
            }
        }
    }

    /// <summary>The connection broke while COMMIT was under way: the row may be there or not.</summary>
    public IReadOnlyList<LedgerEntry> Uncertain
    {
        get
        {
            lock (_lock)
            {
                return [.. _uncertain];
            }
        }
    }

    internal void AddCommitted(LedgerEntry entry)
    {
        lock (_lock)
        {
            _committed.Add(entry);
        }
    }

    internal void AddUncertain(LedgerEntry entry)
    {
        lock (_lock)
        {
            _uncertain.Add(entry);
        }
    }
}
