using System.Diagnostics;
using System.Globalization;
using HerokuMigrator.Capture;
using Npgsql;

namespace HerokuMigrator.Readiness;

internal sealed class RoundTrips : IReadinessCheck
{
    private const int Samples = 9;

    /// <summary>BEGIN with the lock's limit, and COMMIT.</summary>
    private const int TripsOfTransaction = 2;

    /// <summary>Beyond this a side is on another continent, and every step of the migration is felt to be slow.</summary>
    private const double LongTripMs = 100;

    private static readonly TimeSpan NoticeableStart = TimeSpan.FromSeconds(60);

    public string Id => nameof(RoundTrips);

    public string Group => CheckGroup.Connection;

    public string Title => "The ways to both servers are short";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        var source = await MeasureAsync(context.OpenSourceAsync, cancellationToken);
        var target = await MeasureAsync(context.OpenTargetAsync, cancellationToken);
        var tables = context.Catalog.Tables.Count;
        var capture = TimeSpan.FromMilliseconds(source * TripsToCapture * tables);
        var text = $"One round trip takes {Milliseconds(source)} to the source and {Milliseconds(target)} to the target (the shortest of {Samples}).";
        if (source < LongTripMs && target < LongTripMs && capture < NoticeableStart)
        {
            return Finding.Pass(text);
        }

        return Finding.Warning(
            $"{text} Installing the capture on {FindingText.Count(tables, "table")} at {TripsToCapture} round trips each takes {Seconds(capture)} by that alone; "
            + $"during the switch each statement while writes are blocked takes {Milliseconds(source)} longer.",
            "The start grows with tables times the way to the source. The fence itself takes a few round trips whatever the number of tables, but the drain, the sequences and the comparison under it go to both sides.",
            "Run the migration on a machine in the region of the source, or between both (on Heroku: a one-off dyno of the same region).");
    }

    /// <summary>What CaptureInstaller sends for one table.</summary>
    private static int TripsToCapture { get; } =
        CaptureSql.Objects(CaptureInstaller.Sentinel).Count() + CaptureSql.Triggers(CaptureInstaller.Sentinel).Count() + TripsOfTransaction;

    private static async Task<double> MeasureAsync(Func<CancellationToken, Task<NpgsqlConnection>> open, CancellationToken cancellationToken)
    {
        await using var connection = await open(cancellationToken);
        var samples = new List<double>(Samples);
        for (var sample = 0; sample < Samples; sample++)
        {
            var before = Stopwatch.GetTimestamp();
            await connection.ScalarAsync<int>("SELECT 1", cancellationToken);
            samples.Add(Stopwatch.GetElapsedTime(before).TotalMilliseconds);
        }

        // What is above the shortest is not the way, but how busy both ends are: other checks run at the same time.
        return samples.Min();
    }

    private static string Milliseconds(double value) => value.ToString(value < 10 ? "0.0" : "0", CultureInfo.InvariantCulture) + " ms";

    private static string Seconds(TimeSpan time) => time.TotalSeconds < 120 ? $"{time.TotalSeconds:0} s" : $"{time.TotalMinutes:0} min";
}
