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
    private double _built;
    private double _buildSeconds;
    private double _workPerSecond;
    private int _stepsTotal;
    private int _stepsDone;
    private bool _isPlanned;
    private Published _published = new(0, 0, 0, 0);

    /// <summary>Why the copy goes slower than it could, or waits; null where it does not.</summary>
    public string? Throttled { get; set; }

    /// <summary>Begins a copy anew. Tables that are not named are not counted.</summary>
    public void Plan(IEnumerable<TableWork> tables)
    {
        lock (_gate)
        {
            _tables = new(tables.Select(table => KeyValuePair.Create(table.Table.Oid, new TableMeter(table))));
            _isPlanned = true;
            _published = new(0, 0, 0, 0);
            _window.Clear();
            (_built, _buildSeconds, _workPerSecond) = (0, 0, 0);
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

    /// <summary>The rows of the table are there, and its keys are being built.</summary>
    public void BeginKeys(TableInfo table)
    {
        if (_tables.TryGetValue(table.Oid, out var meter))
        {
            meter.BuildBegun = time.GetTimestamp();
        }
    }

    public void EndKeys(TableInfo table)
    {
        if (_tables.TryGetValue(table.Oid, out var meter) && meter.BuildBegun is { } begun)
        {
            lock (_gate)
            {
                meter.Built = true;
                _built += meter.KeyWork;
                _buildSeconds += time.GetElapsedTime(begun).TotalSeconds;
            }
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
            var pace = BuildPace(tables);
            _published = _published.Passed(
                tables.Sum(table => table.PlannedDone), tables.Sum(table => table.Sent), tables.Sum(table => table.Rows), (long)tables.Sum(table => table.WorkDone(table.BuildBegun is { } begun ? pace * time.GetElapsedTime(begun).TotalSeconds : 0)));
            var work = (long)tables.Sum(table => table.Work);
            var rates = _window.Add(_published.Work, _published.Sent, _published.Rows);
            _workPerSecond = rates.WorkPerSecond;
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

    /// <summary>
    /// Work a second of one build, as how far one is cannot be seen from here: that of those that have ended; before, half the pace of all, which rows and keys share;
    /// and once all rows are there the keys have the pace of all for themselves.
    /// </summary>
    private double BuildPace(List<TableMeter> tables)
    {
        var beside = _buildSeconds > 0 ? _built / _buildSeconds : _workPerSecond / 2;
        return tables.All(table => table.PlannedDone == table.BytesTotal) ? Math.Max(beside, _workPerSecond / Math.Max(1, tables.Count(table => table.IsBuilding))) : beside;
    }

    private List<CopyItem> Running(List<TableMeter> tables) =>
    [
        .. tables.Where(table => table is { Running: true, Ended: false }).OrderByDescending(table => table.BytesTotal).Select(table => table.ToItem())
            // A copy first: LINQ asks for the count and then for the elements, and steps begin between the two.
            .Concat(_steps.ToArray().OrderBy(step => step.Value).Select(step => new CopyItem(step.Key, null))).Take(ItemsShown),
    ];

    private void Moved() => Volatile.Write(ref _lastMove, time.GetTimestamp());

    private sealed record Published(long Planned, long Sent, long Rows, long Work)
    {
        public Published Passed(long planned, long sent, long rows, long work) => new(Math.Max(Planned, planned), Math.Max(Sent, sent), Math.Max(Rows, rows), Math.Max(Work, work));
    }
}
