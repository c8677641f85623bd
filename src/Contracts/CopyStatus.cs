using System.Globalization;

namespace HerokuMigrator;

/// <summary>A table that is being copied, or an index or constraint that is being built.</summary>
/// <param name="Name">Schema and table, or what is built.</param>
/// <param name="Percent">By the table's size on the source; null where it cannot be told.</param>
public sealed record CopyItem(string Name, double? Percent)
{
    public override string ToString() => Percent is { } percent ? string.Create(CultureInfo.InvariantCulture, $"{Name} {Math.Floor(percent):0} %") : Name;
}

/// <summary>How far the initial copy is. None of its counts ever goes back while one program works; what is rolled back is held until it is passed again.</summary>
public sealed record CopyStatus
{
    public DateTimeOffset SampledAt { get; init; }

    /// <summary>Heap and TOAST of the tables to copy, on the source, when they were planned.</summary>
    public long BytesTotal { get; init; }

    /// <summary>The part of <see cref="BytesTotal"/> that is copied.</summary>
    public long BytesDone { get; init; }

    /// <summary>Bytes that went through the streams since this program took the copy up.</summary>
    public long BytesSent { get; init; }

    /// <summary>Rows to copy, by the planner's estimates of the tables that are not copied yet.</summary>
    public long RowsTotal { get; init; }

    public long RowsDone { get; init; }

    /// <summary>0 to 100, by <see cref="BytesDone"/>.</summary>
    public double Percent { get; init; }

    /// <summary>MB (1,000,000 bytes) a second through the streams, over the last seconds.</summary>
    public double MBPerSecond { get; init; }

    public double RowsPerSecond { get; init; }

    /// <summary>
    /// Until all rows are copied and the keys are built that are built beside them, by the pace of the last 5 minutes and what bytes, rows, columns, pieces of long values and keys are left;
    /// null where there is no pace. The first drain, other indexes, constraints and statistics are not in it.
    /// </summary>
    public double? SecondsLeft { get; init; }

    /// <summary>Seconds since a byte moved.</summary>
    public double IdleSeconds { get; init; }

    /// <summary>Indexes, keys and constraints that are to be built in this part of the start, and how many are.</summary>
    public int StepsTotal { get; init; }

    public int StepsDone { get; init; }

    /// <summary>What is under way, the biggest first, eight at most.</summary>
    public IReadOnlyList<CopyItem> Running { get; init; } = [];

    /// <summary>Why the copy goes slower than it could, or waits; null where it does not.</summary>
    public string? Throttle { get; init; }

    /// <summary>The longest time that a snapshot of the copy kept the source from cleaning up dead rows (the age of its xmin), in seconds; null where none was taken.</summary>
    public double? LongestSnapshotSeconds { get; init; }

    /// <summary>True while tables are being copied; false where only steps are left.</summary>
    public bool IsCopying => BytesDone < BytesTotal;

    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(Percent):0} %, {BytesDone / 1e6:#,0} of {BytesTotal / 1e6:#,0} MB, {MBPerSecond:0.0} MB/s")
            + (SecondsLeft is { } left ? $", {DurationText.Of(left)} left" : "")
            + (Throttle is null ? "" : $", slowed down: {Throttle}");
}
