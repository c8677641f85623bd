using System.Diagnostics;
using System.Globalization;
using HerokuMigrator.Operations;
using Npgsql;

namespace HerokuMigrator.Copy;

/// <summary>What the source shows of its own troubles at one moment.</summary>
/// <param name="CommitMs">How long a small commit takes, without the way there and back.</param>
/// <param name="Active">Sessions of others that are doing something.</param>
/// <param name="ReplayLag">How far its slowest standby is behind, in seconds.</param>
/// <param name="RetainedBytes">Most WAL that a replication slot keeps.</param>
internal sealed record SourceStrain(double CommitMs, long Active, double ReplayLag, double RetainedBytes);

/// <summary>
/// Slows the copy down while the source suffers more than before it, and lets it go again. It judges by what was seen in the first moments: a busy source is no reason,
/// one that becomes much busier is.
/// </summary>
internal sealed class SourceGovernor : IAsyncDisposable
{
    /// <summary>Below that the copy stands still until the next look.</summary>
    private const double LeastRate = 1_000_000;

    private const int FirstSamples = 5;

    private static readonly TimeSpan Beat = TimeSpan.FromSeconds(3);

    /// <summary>Views that a role may not read in full say less, and fail nothing.</summary>
    private const string StrainSql = """
        SELECT (SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND backend_type = 'client backend' AND application_name NOT LIKE 'heroku-migrator %'),
               coalesce((SELECT max(extract(epoch FROM replay_lag))::float8 FROM pg_stat_replication), 0),
               coalesce((SELECT max(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn))::float8 FROM pg_replication_slots), 0)
        """;

    private readonly MigrationSession _session;
    private readonly CopyPace _pace;
    private readonly CancellationTokenSource _stop;
    private readonly Queue<SourceStrain> _latest = [];
    private SourceStrain? _before;
    private Task _watch = Task.CompletedTask;

    private SourceGovernor(MigrationSession session, CopyPace pace, CancellationToken cancellationToken)
    {
        _session = session;
        _pace = pace;
        _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
    }

    /// <summary>Takes its first samples, then goes on in the background until it is disposed of.</summary>
    public static async Task<SourceGovernor> WatchAsync(MigrationSession session, CopyPace pace, CancellationToken cancellationToken)
    {
        var governor = new SourceGovernor(session, pace, cancellationToken);
        try
        {
            var samples = new List<SourceStrain>();
            for (var sample = 0; sample < FirstSamples; sample++)
            {
                samples.Add(await governor.SampleAsync(cancellationToken));
            }

            governor._before = Middle(samples);
            governor._watch = Task.Run(() => governor.RunAsync(governor._stop.Token), CancellationToken.None);
        }
        catch (NpgsqlException exception)
        {
            session.Events.Verbose($"The source is not watched for strain during the copy: {exception.Message}");
        }

        return governor;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _watch;
        _session.Meter.Throttled = null;
        _stop.Dispose();
    }

    /// <summary>Null where the source bears what there is; else what it suffers from.</summary>
    public static string? Complaint(SourceStrain before, SourceStrain now)
    {
        if (now.CommitMs > Math.Max(5 * before.CommitMs, 50))
        {
            return string.Create(CultureInfo.InvariantCulture, $"commits on the source take {now.CommitMs:0} ms, {before.CommitMs:0.0} ms when the copy began");
        }

        if (now.Active > Math.Max(3 * before.Active, 12))
        {
            return string.Create(CultureInfo.InvariantCulture, $"{now.Active} sessions of others are active on the source, {before.Active} when the copy began");
        }

        if (now.ReplayLag > before.ReplayLag + 30)
        {
            return string.Create(CultureInfo.InvariantCulture, $"a standby of the source is {now.ReplayLag:0} s behind");
        }

        return now.RetainedBytes > before.RetainedBytes + 4e9
            ? string.Create(CultureInfo.InvariantCulture, $"a replication slot of the source keeps {now.RetainedBytes / 1e9:0.0} GB of WAL")
            : null;
    }

    /// <summary>Half of what passes for each look that finds trouble, and half as much again for each that finds none.</summary>
    public static double? NextRate(double? borne, double passing, bool suffers)
    {
        if (suffers)
        {
            return Math.Max(Math.Min(borne ?? double.PositiveInfinity, passing) / 2, LeastRate / 4);
        }

        // Where the copy goes slower than it may, there is nothing left to hold back.
        return borne is not { } rate || rate * 1.5 > Math.Max(4 * passing, 100_000_000) ? null : Math.Max(rate * 1.5, LeastRate);
    }

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        var (passed, clock) = (_pace.Passed, Stopwatch.StartNew());
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await Task.Delay(Beat, cancellationToken);
                _latest.Enqueue(await SampleAsync(cancellationToken));
                if (_latest.Count > 3)
                {
                    _latest.Dequeue();
                }

                var (now, seconds) = (_pace.Passed, clock.Elapsed.TotalSeconds);
                Judge((now - passed) / seconds);
                (passed, clock) = (now, Stopwatch.StartNew());
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (NpgsqlException exception)
            {
                // The copy itself tells of a source that is away.
                _session.Events.Debug($"The source could not be asked how it fares: {exception.Message}");
            }
        }
    }

    private void Judge(double passing)
    {
        var complaint = Complaint(_before!, Middle(_latest));
        _pace.Borne = NextRate(_pace.Borne, passing, complaint is not null);
        var reason = _pace.Borne is { } rate
            ? string.Create(CultureInfo.InvariantCulture, $"{complaint ?? "the source has recovered"}; {rate / 1e6:0.0} MB/s for now")
            : null;
        if (reason is not null && _session.Meter.Throttled is null)
        {
            _session.Events.Warning($"The copy is slowed down: {reason}. It speeds up by itself.");
        }

        _session.Meter.Throttled = reason;
    }

    private async Task<SourceStrain> SampleAsync(CancellationToken cancellationToken)
    {
        await using var source = await _session.Source.OpenConnectionAsync(cancellationToken);
        var (active, lag, retained) = (await source.ListAsync(
            StrainSql, row => (row.GetInt64(0), row.GetDouble(1), row.GetDouble(2)), cancellationToken))[0];
        var clock = Stopwatch.StartNew();
        await source.ScalarAsync<int>("SELECT 1", cancellationToken);
        var way = clock.Elapsed;
        clock.Restart();
        await source.ExecuteAsync(
            "INSERT INTO heroku_migrator.pulse AS p VALUES (true, clock_timestamp()) ON CONFLICT (one) DO UPDATE SET at = excluded.at", cancellationToken);
        return new SourceStrain(Math.Max(0, (clock.Elapsed - way).TotalMilliseconds), active, lag, retained);
    }

    private static SourceStrain Middle(IReadOnlyCollection<SourceStrain> samples) => new(
        Middle(samples.Select(sample => sample.CommitMs)),
        (long)Middle(samples.Select(sample => (double)sample.Active)),
        Middle(samples.Select(sample => sample.ReplayLag)),
        Middle(samples.Select(sample => sample.RetainedBytes)));

    private static double Middle(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return sorted[sorted.Count / 2];
    }
}
