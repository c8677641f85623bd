using HerokuMigrator.Catalog;
using HerokuMigrator.Copy;
using Xunit;

namespace HerokuMigrator.Unit.Copy;

/// <summary>The time left, held against what came in a copy of <c>bench/copy.sh</c> that was recorded: 1.8 GB in 45 s, two streams, keys beside.</summary>
public sealed class TimeLeftSpecs
{
    /// <summary>Its keys are being built, or are there; below, it is the percentage of its bytes.</summary>
    private const int Building = 101;

    private const int Built = 200;

    /// <summary>One row of half a gigabyte and rows of 200 columns, so long that most of their texts are kept apart, among them.</summary>
    private static readonly TableWork[] Tables =
    [
        Work("orders", 351, rows: 1_500_000, columns: 9, keys: 2),
        Work("narrow", 290, rows: 8_000_000, columns: 2, keys: 1),
        Work("monster", 531, rows: 1, columns: 2, keys: 1, toast: 257_000),
        Work("items", 265, rows: 4_400_000, columns: 6, keys: 1),
        Work("events", 169, rows: 600_000, columns: 4, keys: 1),
        Work("wide", 140, rows: 20_000, columns: 200, keys: 1, toast: 1_000_000),
        Work("customers", 22, rows: 200_000, columns: 4, keys: 2),
        Work("products", 7, rows: 20_000, columns: 4, keys: 2),
    ];

    private static readonly (double Seconds, int[] States)[] Recorded =
    [
        (0.0, [8, 0, 0, 0, 0, 0, 0, 0]),
        (2.1, [27, 0, 0, 0, 0, 0, 0, 0]),
        (4.5, [47, 0, 0, 0, 0, 0, 0, 0]),
        (6.8, [65, 0, 0, 0, 0, 0, 0, 0]),
        (8.9, [80, 0, 0, 0, 0, 0, 0, 0]),
        (11.2, [101, 1, 19, 0, 0, 0, 0, 0]),
        (13.3, [101, 9, 48, 0, 0, 0, 0, 0]),
        (15.5, [101, 28, 95, 0, 0, 0, 0, 0]),
        (17.9, [200, 56, 98, 0, 0, 0, 0, 0]),
        (19.9, [200, 92, 98, 0, 0, 0, 0, 0]),
        (22.0, [200, 101, 98, 24, 0, 0, 0, 0]),
        (24.3, [200, 101, 98, 26, 0, 0, 0, 0]),
        (26.5, [200, 101, 98, 49, 0, 0, 0, 0]),
        (28.8, [200, 200, 98, 60, 0, 0, 0, 0]),
        (31.0, [200, 200, 98, 81, 0, 0, 0, 0]),
        (33.3, [200, 200, 200, 101, 19, 0, 0, 0]),
        (35.5, [200, 200, 200, 101, 73, 0, 0, 0]),
        (37.7, [200, 200, 200, 200, 101, 10, 0, 0]),
        (39.7, [200, 200, 200, 200, 200, 30, 0, 0]),
        (41.8, [200, 200, 200, 200, 200, 66, 0, 0]),
        (43.9, [200, 200, 200, 200, 200, 86, 200, 200]),
        (45.0, [200, 200, 200, 200, 200, 200, 200, 200]),
    ];

    private readonly HandClock _clock = new();
    private readonly CopyMeter _meter;

    public TimeLeftSpecs() => _meter = new CopyMeter(_clock);

    [Fact]
    public void Over_the_second_half_of_its_bytes_a_copy_tells_the_time_left_within_a_quarter()
    {
        _meter.Plan(Tables);
        var end = Recorded[^1].Seconds;
        var (at, percent) = (0.0, 0.0);
        var before = new int[Tables.Length];
        foreach (var (seconds, states) in Recorded)
        {
            _clock.Pass(seconds - at);
            at = seconds;
            for (var table = 0; table < Tables.Length; table++)
            {
                Move(Tables[table], before[table], states[table]);
            }

            before = states;
            var status = _meter.Snapshot();
            Assert.True(status.Percent >= percent);
            percent = status.Percent;
            if (percent >= 50 && end - at >= 5)
            {
                Assert.True(Math.Abs(status.SecondsLeft!.Value - (end - at)) <= 0.25 * (end - at), $"at {percent:0} % {status.SecondsLeft:0.0} s were told, and {end - at:0.0} came");
            }
        }

        Assert.Equal((100, 0), (_meter.Snapshot().Percent, _meter.Snapshot().SecondsLeft));
    }

    private void Move(TableWork work, int from, int to)
    {
        if (from == 0 && to > 0)
        {
            _meter.Begin(work.Table);
        }

        if (from <= 100)
        {
            _meter.Advance(work.Table, 1, 0, work.BytesTotal * (Math.Min(to, 100) - from) / 100);
        }

        if (from < Building && to >= Building)
        {
            _meter.End(work.Table);
            _meter.BeginKeys(work.Table);
        }

        if (from < Built && to == Built)
        {
            _meter.EndKeys(work.Table);
        }
    }

    private static TableWork Work(string name, int megabytes, double rows, int columns, int keys, long toast = 0)
    {
        var table = new TableInfo
        {
            Oid = (uint)name.GetHashCode(StringComparison.Ordinal), Schema = "public", Name = name, Owner = "app", Owned = true, RowsEstimate = rows,
            Columns = [.. Enumerable.Range(0, columns).Select(at => new ColumnInfo($"c{at}", "integer", false, false, "int4", 'b', false))],
        };
        return new TableWork(table, megabytes * 1_000_000L, Keys: keys, ToastRows: toast);
    }
}
