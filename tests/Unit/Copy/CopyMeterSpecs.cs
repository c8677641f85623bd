using HerokuMigrator.Catalog;
using HerokuMigrator.Copy;
using Xunit;

namespace HerokuMigrator.Unit.Copy;

public sealed class CopyMeterSpecs
{
    private readonly HandClock _clock = new();
    private readonly CopyMeter _meter;
    private readonly TableInfo _big = Table(1, "big", rows: 1000);
    private readonly TableInfo _small = Table(2, "small", rows: 100);

    public CopyMeterSpecs()
    {
        _meter = new CopyMeter(_clock);
        _meter.Plan([new TableWork(_big, 9_000_000), new TableWork(_small, 1_000_000)]);
    }

    [Fact]
    public void Percent_goes_by_planned_bytes_and_the_rate_by_bytes_sent()
    {
        _meter.Begin(_big);
        _meter.Snapshot();
        for (var second = 0; second < 10; second++)
        {
            _clock.Pass(1);
            _meter.Advance(_big, bytes: 2_000_000, rows: 50, plannedBytes: 450_000);
            _meter.Snapshot();
        }

        var status = _meter.Snapshot();
        Assert.Equal(45, status.Percent, 3);
        Assert.Equal(20_000_000, status.BytesSent);
        Assert.Equal((500, 1100), (status.RowsDone, status.RowsTotal));
        Assert.Equal(2, status.MBPerSecond, 3);
        Assert.Equal(50, status.RowsPerSecond, 3);
        Assert.Equal(5_500_000 / 450_000.0, status.SecondsLeft!.Value, 1);
        var running = Assert.Single(status.Running);
        Assert.Equal("public.big", running.Name);
        Assert.Equal(50, running.Percent!.Value, 3);
    }

    [Fact]
    public void Time_left_knows_that_many_small_rows_take_longer_than_few_large_ones()
    {
        var narrow = Table(3, "narrow", rows: 1_000_000);
        var large = Table(4, "large", rows: 1);
        _meter.Plan([new TableWork(large, 30_000_000), new TableWork(narrow, 30_000_000)]);
        _meter.Begin(large);
        _meter.Snapshot();
        for (var second = 0; second < 10; second++)
        {
            _clock.Pass(1);
            _meter.Advance(large, bytes: 3_000_000, rows: 0, plannedBytes: 3_000_000);
            _meter.Snapshot();
        }

        // By bytes alone it would be as long again.
        var left = _meter.Snapshot().SecondsLeft!.Value;
        Assert.True(left is > 20 and < 60, $"{left} s");
        Assert.Equal(50, _meter.Snapshot().Percent, 3);
    }

    [Fact]
    public void Time_left_knows_of_keys_that_are_built_beside_the_rows_and_after_them()
    {
        // Two processors that all shares: rows of the first for 20 s, its key beside the rows of the second, and that one's key alone.
        const long Bytes = 290_000_000;
        var (first, second) = (Table(3, "first", rows: 8_000_000), Table(4, "second", rows: 8_000_000));
        _meter.Plan([new TableWork(first, Bytes, Keys: 1), new TableWork(second, Bytes, Keys: 1)]);
        _meter.Begin(first);
        _meter.Snapshot();
        var told = new List<(double Percent, double Seconds, double Left)>();
        var total = 0;
        Pass(20, () => _meter.Advance(first, Bytes / 20, 0, Bytes / 20));
        _meter.End(first);
        _meter.BeginKeys(first);
        _meter.Begin(second);
        Pass(28, () => _meter.Advance(second, Bytes / 40, 0, Bytes / 40));
        _meter.EndKeys(first);
        Pass(6, () => _meter.Advance(second, Bytes / 20, 0, Bytes / 20));
        _meter.End(second);
        _meter.BeginKeys(second);
        Pass(14, () => { });
        _meter.EndKeys(second);

        foreach (var (percent, seconds, left) in told.Where(look => look.Percent >= 50 && total - look.Seconds >= 5))
        {
            Assert.True(Math.Abs(left - (total - seconds)) <= 0.25 * (total - seconds), $"at {percent:0} % {left:0} s were told, and {total - seconds:0} came");
        }

        Assert.Equal(0, _meter.Snapshot().SecondsLeft!.Value, 3);

        void Pass(int seconds, Action move)
        {
            for (var passed = 0; passed < seconds; passed++)
            {
                _clock.Pass(1);
                total++;
                move();
                var status = _meter.Snapshot();
                told.Add((status.Percent, total, status.SecondsLeft ?? 0));
            }
        }
    }

    [Fact]
    public void Before_it_is_known_what_is_to_be_copied_nothing_is()
    {
        Assert.Equal(0, new CopyMeter(_clock).Snapshot().Percent);
        _meter.Plan([]);
        Assert.Equal(100, _meter.Snapshot().Percent);
    }

    [Fact]
    public void A_chunk_that_was_rolled_back_is_held_until_it_is_passed_again()
    {
        _meter.Begin(_big);
        _meter.Advance(_big, 800, 80, 3_000_000);
        Assert.Equal(30, _meter.Snapshot().Percent, 3);
        _meter.Retract(_big, 800, 80, 3_000_000);
        _meter.Advance(_big, 100, 10, 1_000_000);
        var held = _meter.Snapshot();
        Assert.Equal(30, held.Percent, 3);
        Assert.Equal(80, held.RowsDone);
        Assert.Equal(100.0 / 3, held.Running[0].Percent!.Value, 3);
        _meter.Advance(_big, 900, 90, 3_000_000);
        Assert.Equal(40, _meter.Snapshot().Percent, 3);
    }

    [Fact]
    public void What_an_earlier_run_copied_counts_as_done_but_not_as_pace()
    {
        _meter.Plan([new TableWork(_big, 9_000_000, 8_000_000, 900), new TableWork(_small, 1_000_000, 1_000_000, 100)]);
        _meter.End(_small);
        _meter.Snapshot();
        _clock.Pass(10);
        var status = _meter.Snapshot();
        Assert.Equal(90, status.Percent, 3);
        Assert.Equal(1000, status.RowsDone);
        Assert.Equal(0, status.MBPerSecond);
        Assert.Null(status.SecondsLeft);
        Assert.Equal(10, status.IdleSeconds, 3);
    }

    [Fact]
    public void A_table_that_ends_is_done_whatever_was_counted_of_it()
    {
        _meter.Begin(_big);
        _meter.Advance(_big, 1, 7, 12_000_000);
        Assert.Equal(90, _meter.Snapshot().Percent, 3);
        _meter.End(_big);
        _meter.Begin(_small);
        _meter.End(_small);
        var status = _meter.Snapshot();
        Assert.Equal(100, status.Percent, 3);
        Assert.Equal(7, status.RowsTotal);
        Assert.False(status.IsCopying);
        Assert.Empty(status.Running);
    }

    [Fact]
    public void Steps_count_beside_the_tables()
    {
        _meter.PlanSteps(2);
        _meter.BeginStep("INDEX big_i");
        Assert.Equal("INDEX big_i", Assert.Single(_meter.Snapshot().Running).Name);
        _meter.EndStep("INDEX big_i");
        _meter.EndStep("INDEX big_i");
        Assert.Equal((1, 2), (_meter.Snapshot().StepsDone, _meter.Snapshot().StepsTotal));
    }

    [Fact]
    public void The_longest_snapshot_stays()
    {
        Assert.Null(_meter.Snapshot().LongestSnapshotSeconds);
        _meter.ReportSnapshot(TimeSpan.FromSeconds(12));
        _meter.ReportSnapshot(TimeSpan.FromSeconds(3));
        Assert.Equal(12, _meter.Snapshot().LongestSnapshotSeconds);
    }

    [Fact]
    public void Tables_that_were_not_planned_are_not_counted()
    {
        var other = Table(3, "other", rows: 1);
        _meter.Begin(other);
        _meter.Advance(other, 1, 1, 1);
        _meter.End(other);
        Assert.Equal(0, _meter.Snapshot().RowsDone);
    }

    [Fact]
    public async Task Counts_from_many_threads_are_all_there()
    {
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            for (var call = 0; call < 10_000; call++)
            {
                _meter.Advance(_big, 10, 1, 5);
                if (call % 1000 == 0)
                {
                    _meter.Snapshot();
                }
            }
        }, TestContext.Current.CancellationToken)));
        var status = _meter.Snapshot();
        Assert.Equal((400_000, 40_000, 200_000), (status.BytesSent, status.RowsDone, status.BytesDone));
    }

    [Fact]
    public async Task Steps_that_begin_and_end_while_it_is_asked_are_in_nobodys_way()
    {
        using var stop = new CancellationTokenSource();
        var stepping = Enumerable.Range(0, 4).Select(worker => Task.Run(() =>
        {
            for (var step = 0; !stop.IsCancellationRequested; step++)
            {
                _meter.BeginStep($"{worker} {step}");
                if (step > 100)
                {
                    _meter.EndStep($"{worker} {step - 100}");
                }
            }
        }, TestContext.Current.CancellationToken)).ToArray();
        var asked = Record.Exception(() =>
        {
            for (var look = 0; look < 2000; look++)
            {
                _meter.Snapshot();
            }
        });
        await stop.CancelAsync();
        await Task.WhenAll(stepping);
        Assert.Null(asked);
    }

    private static TableInfo Table(uint oid, string name, double rows) =>
        new() { Oid = oid, Schema = "public", Name = name, Owner = "app", Owned = true, RowsEstimate = rows, Columns = [] };
}
