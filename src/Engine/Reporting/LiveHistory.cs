namespace HerokuMigrator.Reporting;

/// <summary>What the last looks have seen, for sparklines; the oldest go.</summary>
internal sealed class LiveHistory
{
    private const int Kept = 120;

    private readonly Queue<double> _backlog = new();
    private readonly Queue<double> _lag = new();
    private readonly Queue<double> _rate = new();

    public IReadOnlyList<double> Backlog => [.. _backlog];

    public IReadOnlyList<double> Lag => [.. _lag];

    /// <summary>MB a second through the streams of the copy.</summary>
    public IReadOnlyList<double> Rate => [.. _rate];

    public void Add(SyncStatus status)
    {
        Add(_backlog, status.Backlog);
        Add(_lag, status.LagSeconds);
        Add(_rate, status.Copy?.MBPerSecond);
    }

    private static void Add(Queue<double> values, double? value)
    {
        if (value is not { } known)
        {
            return;
        }

        values.Enqueue(known);
        while (values.Count > Kept)
        {
            values.Dequeue();
        }
    }
}
