using System.Collections.Concurrent;
using HerokuMigrator.Catalog;

namespace HerokuMigrator.Copy;

/// <summary>
/// Counts what a copy has done. Any thread may call it, and often: counting takes a look-up and three additions, and only <see cref="Snapshot"/> adds up.
/// What is published never goes back: where a chunk was rolled back, the published value waits until it is passed again.
/// </summary>
internal sealed class CopyMeter(TimeProvider time)
{
    private const int ItemsShown = 8;

    private readonly Lock _gate = new();
    private readonly ConcurrentDictionary<string, long> _steps = new(StringComparer.Ordinal);
    private readonly RateWindow _window = new(time);
    private volatile ConcurrentDictionary<uint, TableMeter> _tables = new();
    private long _lastMove = time.GetTimestamp();
    private long _longestSnapshot = -1;
    private int _stepsTotal;
    private int _stepsDone;
    private bool _isPlanned;
    private Published _published = new(0, 0, 0, 0);

    /// <summary>Why the copy goes slower than it could, or waits; null where it does not.</summary>
    public string? Throttled { get; set; }

    /// <summary>Begins a copy anew: these tables, each with its heap on the source and what an earlier run has copied of it. Tables that are not named are not counted.</summary>
    public void Plan(IEnumerable<(TableInfo Table, long BytesTotal, long BytesDone, long RowsDone)> tables)
    {
        lock (_gate)
        {
            _tables = new(tables.Select(row => KeyValuePair.Create(row.Table.Oid, new TableMeter(row.Table, row.BytesTotal, row.BytesDone, row.RowsDone))));
            _isPlanned = true;
            _published = new(0, 0, 0, 0);
            _window.Clear();
            Moved();
        }
    }

    public void Begin(TableInfo table)
    {
        if (_tables.TryGetValue(table.Oid, out var meter))
        {
            meter.Running = true;
            Moved();
        }
    }

    /// <param name="table">The table that the rows are of.</param>
    /// <param name="bytes">What went through the stream.</param>
    /// <param name="rows">What of it ended a row.</param>
    /// <param name="plannedBytes">The share of the table's planned bytes that this comes to: percent and time left go by it.</param>
    public void Advance(TableInfo table, long bytes, long rows, long plannedBytes)
    {
        if (_tables.TryGetValue(table.Oid, out var meter))
        {
            meter.Add(bytes, rows, plannedBytes);
            if (bytes != 0 || plannedBytes != 0)
            {
                Moved();
            }
        }
    }

    /// <summary>A chunk was rolled back: what <see cref="Advance"/> was told of it.</summary>
    public void Retract(TableInfo table, long bytes, long rows, long plannedBytes)
    {
        if (_tables.TryGetValue(table.Oid, out var meter))
        {
            meter.Add(-bytes, -rows, -plannedBytes);
        }
    }

    /// <summary>The table is copied, whatever its planned bytes were.</summary>
    public void End(TableInfo table)
    {
        if (_tables.TryGetValue(table.Oid, out var meter))
        {
            meter.End();
            Moved();
        }
    }

    /// <summary>Begins a round of that many indexes, keys and constraints.</summary>
    public void PlanSteps(int count)
    {
        _steps.Clear();
        Volatile.Write(ref _stepsDone, 0);
        Volatile.Write(ref _stepsTotal, count);
    }

    public void BeginStep(string name) => _steps[name] = time.GetTimestamp();

    /// <summary>It is built, or was given up.</summary>
    public void EndStep(string name)
    {
        if (_steps.TryRemove(name, out _))
        {
            Interlocked.Increment(ref _stepsDone);
        }
    }

    /// <summary>A snapshot on the source ended that was this old.</summary>
    public void ReportSnapshot(TimeSpan age)
    {
        long before;
        while ((before = Volatile.Read(ref _longestSnapshot)) < age.Ticks && Interlocked.CompareExchange(ref _longestSnapshot, age.Ticks, before) != before)
        {
        }
    }

    public CopyStatus Snapshot()
    {
        lock (_gate)
        {
            var tables = _tables.Values.ToList();
            var total = tables.Sum(table => table.BytesTotal);
            _published = _published.Passed(
                tables.Sum(table => table.PlannedDone), tables.Sum(table => table.Sent), tables.Sum(table => table.Rows), (long)tables.Sum(table => table.PlannedDone * table.Weight));
            var work = (long)tables.Sum(table => table.BytesTotal * table.Weight);
            var rates = _window.Add(_published.Work, _published.Sent, _published.Rows);
            return new CopyStatus
            {
                SampledAt = time.GetUtcNow(),
                BytesTotal = total,
                BytesDone = _published.Planned,
                BytesSent = _published.Sent,
                RowsTotal = tables.Sum(table => table.RowsTotal),
                RowsDone = _published.Rows,
                Percent = total == 0 ? (_isPlanned && tables.All(table => table.Ended) ? 100 : 0) : 100.0 * _published.Planned / total,
                MBPerSecond = rates.SentPerSecond / 1e6,
                RowsPerSecond = rates.RowsPerSecond,
                SecondsLeft = rates.WorkPerSecond > 0 ? Math.Max(0, work - _published.Work) / rates.WorkPerSecond : null,
                IdleSeconds = time.GetElapsedTime(Volatile.Read(ref _lastMove)).TotalSeconds,
                StepsTotal = Volatile.Read(ref _stepsTotal),
                StepsDone = Volatile.Read(ref _stepsDone),
                Running = Running(tables),
                Throttle = Throttled,
                LongestSnapshotSeconds = Volatile.Read(ref _longestSnapshot) is >= 0 and var ticks ? TimeSpan.FromTicks(ticks).TotalSeconds : null,
            };
        }
    }

    private List<CopyItem> Running(List<TableMeter> tables) =>
    [
        .. tables.Where(table => table is { Running: true, Ended: false }).OrderByDescending(table => table.BytesTotal).Select(table => table.ToItem())
            .Concat(_steps.OrderBy(step => step.Value).Select(step => new CopyItem(step.Key, null))).Take(ItemsShown),
    ];

    private void Moved() => Volatile.Write(ref _lastMove, time.GetTimestamp());

    private sealed record Published(long Planned, long Sent, long Rows, long Work)
    {
        public Published Passed(long planned, long sent, long rows, long work) => new(Math.Max(Planned, planned), Math.Max(Sent, sent), Math.Max(Rows, rows), Math.Max(Work, work));
    }

    private sealed class TableMeter(TableInfo table, long bytesTotal, long bytesDone, long rowsDone)
    {
        /// <summary>Bytes of a long value that take as long as a row by itself does, and as a column of it; about, and only against each other.</summary>
        private const double BytesARow = 50;

        private const double BytesAColumn = 15;

        private long _planned = bytesDone;
        private long _rows = rowsDone;
        private long _sent;
        private double _percent;

        public long BytesTotal => bytesTotal;

        /// <summary>
        /// How much longer a byte of it takes than one of a long value: narrow rows take three times as long. Without it the time left would be that of whatever kind of table
        /// is at hand.
        /// </summary>
        public double Weight { get; } = 1 + (Math.Max(0, table.RowsEstimate) * (BytesARow + (BytesAColumn * table.CopiedColumns.Count())) / Math.Max(1, bytesTotal));

        public bool Running { get; set; }

        public bool Ended { get; private set; }

        public long PlannedDone => Ended ? bytesTotal : Math.Clamp(Volatile.Read(ref _planned), 0, bytesTotal);

        public long Sent => Volatile.Read(ref _sent);

        public long Rows => Volatile.Read(ref _rows);

        public long RowsTotal => Ended ? Rows : Math.Max(Rows, (long)table.RowsEstimate);

        public void Add(long bytes, long rows, long planned)
        {
            Interlocked.Add(ref _sent, bytes);
            Interlocked.Add(ref _rows, rows);
            Interlocked.Add(ref _planned, planned);
        }

        public void End() => Ended = true;

        public CopyItem ToItem()
        {
            _percent = Math.Max(_percent, bytesTotal == 0 ? 0 : 100.0 * PlannedDone / bytesTotal);
            return new CopyItem($"{table.Schema}.{table.Name}", bytesTotal == 0 ? null : _percent);
        }
    }
}
