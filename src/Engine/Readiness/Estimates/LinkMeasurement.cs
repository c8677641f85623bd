using System.Diagnostics;
using Npgsql;

namespace HerokuMigrator.Readiness;

/// <summary>How far away the two servers are, and how much the ways to them carry, from this machine.</summary>
/// <param name="SourceRoundTrip">Seconds for one statement that does nothing: the lower quartile of several, as a busy machine delays some and hastens none.</param>
/// <param name="TargetRoundTrip">The same at the target.</param>
/// <param name="SourceBytesPerSecond">From the source to here.</param>
/// <param name="TargetBytesPerSecond">From here to the target.</param>
internal sealed record LinkMeasurement(double SourceRoundTrip, double TargetRoundTrip, double SourceBytesPerSecond, double TargetBytesPerSecond)
{
    private const int LeastRounds = 5;
    private const int MostRounds = 31;

    /// <summary>More measurements where they cost little.</summary>
    private static readonly TimeSpan EnoughAfter = TimeSpan.FromMilliseconds(200);

    /// <summary>The first few packets of a connection are slow whatever the link: they are sent before the clock runs.</summary>
    private const int WarmUpBytes = 128 * 1024;

    private const int MeasuredBytes = 512 * 1024;
    private const int MostTransfers = 3;

    /// <summary>Both sides at once, so that a distant one costs its own time only. Touches no table.</summary>
    public static async Task<LinkMeasurement> TakeAsync(NpgsqlConnection source, NpgsqlConnection target, CancellationToken cancellationToken)
    {
        var fromSource = SideAsync(source, DownAsync, cancellationToken);
        var toTarget = SideAsync(target, UpAsync, cancellationToken);
        var (sourceRoundTrip, sourceRate) = await fromSource;
        var (targetRoundTrip, targetRate) = await toTarget;
        return new LinkMeasurement(sourceRoundTrip, targetRoundTrip, sourceRate, targetRate);
    }

    private static async Task<(double RoundTrip, double BytesPerSecond)> SideAsync(
        NpgsqlConnection connection, Func<NpgsqlConnection, int, CancellationToken, Task> carry, CancellationToken cancellationToken)
    {
        List<double> rounds = [];
        var clock = Stopwatch.StartNew();
        while (rounds.Count < LeastRounds || (rounds.Count < MostRounds && clock.Elapsed < EnoughAfter))
        {
            rounds.Add(await SecondsAsync(() => connection.ScalarAsync<int>("SELECT 1", cancellationToken)));
        }

        rounds.Sort();
        var roundTrip = rounds[rounds.Count / 4];
        await carry(connection, WarmUpBytes, cancellationToken);
        var seconds = double.MaxValue;
        clock.Restart();
        for (var transfer = 0; transfer == 0 || (transfer < MostTransfers && clock.Elapsed < EnoughAfter); transfer++)
        {
            seconds = Math.Min(seconds, await SecondsAsync(() => carry(connection, MeasuredBytes, cancellationToken)));
        }

        return (roundTrip, MeasuredBytes / Math.Max(seconds - roundTrip, 0.0005));
    }

    private static Task DownAsync(NpgsqlConnection connection, int bytes, CancellationToken cancellationToken) =>
        connection.ScalarAsync<string>("SELECT repeat('x', $1)", cancellationToken, bytes);

    private static Task UpAsync(NpgsqlConnection connection, int bytes, CancellationToken cancellationToken) =>
        connection.ScalarAsync<int>("SELECT octet_length($1)", cancellationToken, new string('x', bytes));

    private static async Task<double> SecondsAsync(Func<Task> work)
    {
        var clock = Stopwatch.StartNew();
        await work();
        return clock.Elapsed.TotalSeconds;
    }
}
