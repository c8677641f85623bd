using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace HerokuMigrator.Readiness;

internal sealed class Clock : IReadinessCheck
{
    private static readonly TimeSpan Noticeable = TimeSpan.FromSeconds(5);

    public string Id => nameof(Clock);

    public string Group => CheckGroup.Host;

    public string Title => "The clocks of this machine and of both servers agree";

    /// <param name="Ahead">How far a server's clock is ahead of this machine's, at least: what the way may have taken is left out.</param>
    private sealed record Reading(string Side, TimeSpan Ahead);

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        var readings = new[]
        {
            await ReadAsync("source", context.OpenSourceAsync, cancellationToken),
            await ReadAsync("target", context.OpenTargetAsync, cancellationToken),
        };
        var off = readings.Where(reading => reading.Ahead.Duration() > Noticeable).ToList();
        return off.Count == 0
            ? Finding.Pass("The clocks of this machine and of both servers agree.")
            : Finding.Warning(
                $"{string.Join("; ", off.Select(Text))}.",
                "Events of the migration carry the time of this machine, captured changes that of the source: the lag and the times in the switch certificate would be wrong by that much, and certificates of servers would be found expired or not valid yet.",
                off.Count == readings.Length ? "timedatectl set-ntp true   # on this machine; both servers see it differently" : $"Have the operator of the {off[0].Side} set its clock; the other server agrees with this machine.");
    }

    private static async Task<Reading> ReadAsync(string side, Func<CancellationToken, Task<NpgsqlConnection>> open, CancellationToken cancellationToken)
    {
        await using var connection = await open(cancellationToken);

        // What is loaded at the first question would count as a difference.
        await connection.ScalarAsync<DateTime>("SELECT clock_timestamp()", cancellationToken);
        var (before, watch) = (DateTime.UtcNow, Stopwatch.GetTimestamp());
        var there = (await connection.ScalarAsync<DateTime>("SELECT clock_timestamp()", cancellationToken)).ToUniversalTime();
        var after = before + Stopwatch.GetElapsedTime(watch);
        return new Reading(side, there > after ? there - after : there < before ? there - before : TimeSpan.Zero);
    }

    private static string Text(Reading reading)
    {
        var off = reading.Ahead.Duration();
        var size = off.TotalMinutes < 2 ? $"{off.TotalSeconds.ToString("0", CultureInfo.InvariantCulture)} s" : $"{off.TotalMinutes.ToString("0", CultureInfo.InvariantCulture)} min";
        return $"The clock of the {reading.Side} is {size} {(reading.Ahead > TimeSpan.Zero ? "ahead of" : "behind")} this machine's";
    }
}
