namespace HerokuMigrator.Copy;

/// <summary>
/// Counts what a copy has done of one table. Work is what that takes, in bytes that would take as long: about, and only against each other.
/// Without it the time left would be that of whatever kind of table is at hand; see docs/performance.md for where these numbers are from.
/// </summary>
internal sealed class TableMeter(TableWork table)
{
    private const double WorkARow = 50;

    /// <summary>For each row.</summary>
    private const double WorkAColumn = 15;

    /// <summary>For each row and key: the build shares processors and disks with the copy of other tables.</summary>
    private const double WorkAKey = 60;

    /// <summary>For each piece of a long value: a row of a table of its own, with an index that is there from the start.</summary>
    private const double WorkAToastRow = 600;

    /// <summary>Of a build that is not there yet, as how far it is can only be guessed.</summary>
    private const double BuiltAtMost = 0.95;

    private long _planned = table.BytesDone;
    private long _rows = table.RowsDone;
    private long _sent;
    private double _percent;

    public long BytesTotal => table.BytesTotal;

    public bool Running { get; set; }

    public bool Ended { get; private set; }

    /// <summary>When the build of its keys began; null before.</summary>
    public long? BuildBegun { get; set; }

    public bool Built { get; set; }

    public bool IsBuilding => BuildBegun is not null && !Built;

    public long PlannedDone => Ended ? BytesTotal : Math.Clamp(Volatile.Read(ref _planned), 0, BytesTotal);

    public long Sent => Volatile.Read(ref _sent);

    public long Rows => Volatile.Read(ref _rows);

    public long RowsTotal => Ended ? Rows : Math.Max(Rows, (long)table.Table.RowsEstimate);

    public double Work => RowWork + KeyWork;

    public double KeyWork => Estimated * table.Keys * WorkAKey;

    private double RowWork => BytesTotal + (table.ToastRows * WorkAToastRow) + (Estimated * (WorkARow + (WorkAColumn * table.Table.CopiedColumns.Count())));

    private double Estimated => Math.Max(0, table.Table.RowsEstimate);

    /// <param name="built">Of the work of its keys, what a build that began then is thought to have done by now.</param>
    public double WorkDone(double built) =>
        (BytesTotal == 0 ? (Ended ? RowWork : 0) : RowWork * PlannedDone / BytesTotal) + (Built ? KeyWork : Math.Min(built, KeyWork * BuiltAtMost));

    public void Add(long bytes, long rows, long planned)
    {
        Interlocked.Add(ref _sent, bytes);
        Interlocked.Add(ref _rows, rows);
        Interlocked.Add(ref _planned, planned);
    }

    public void End() => Ended = true;

    public CopyItem ToItem()
    {
        _percent = Math.Max(_percent, BytesTotal == 0 ? 0 : 100.0 * PlannedDone / BytesTotal);
        return new CopyItem($"{table.Table.Schema}.{table.Table.Name}", BytesTotal == 0 ? null : _percent);
    }
}
