using System.Globalization;
using Npgsql;

namespace HerokuMigrator.Lab;

/// <summary>Follows what the state of a migration tells of its copy, once a second, to hold the time left that was told against the time that it took.</summary>
internal sealed class TimeLeftWatch : IAsyncDisposable
{
    private const string Sql = "SELECT clock_timestamp(), (progress #>> '{Copy,Percent}')::float8, (progress #>> '{Copy,SecondsLeft}')::float8 FROM heroku_migrator.migration";

    private const string EndSql = "SELECT min(at) FROM heroku_migrator.event WHERE kind = 'phase' AND message LIKE '% -> CatchingUp'";

    private readonly CancellationTokenSource _ended = new();
    private readonly LabDatabase _target;
    private readonly List<(DateTimeOffset At, double Percent, double? Left)> _looks = [];
    private readonly Task _watch;

    public TimeLeftWatch(LabDatabase target)
    {
        _target = target;
        _watch = Task.Run(WatchAsync);
    }

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        await _watch;
        _ended.Dispose();
    }

    /// <summary>To be called once rows and keys are there: told and came, in seconds, of the looks from one percentage on; the largest error of them; and how often the percentage went back.</summary>
    public async Task<string> DescribeAsync(double fromPercent, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(_target.AdminConnectionString);
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(EndSql, connection);
        var end = await command.ExecuteScalarAsync(cancellationToken) is DateTime at ? new DateTimeOffset(at, TimeSpan.Zero) : DateTimeOffset.UtcNow;
        var looks = _looks.Where(look => look.At < end).ToList();
        var told = looks.Where(look => look.Percent >= fromPercent && look.Left is not null)
            .Select(look => (look.Percent, Told: look.Left!.Value, Came: (end - look.At).TotalSeconds)).ToList();
        var back = looks.Zip(looks.Skip(1)).Count(pair => pair.Second.Percent < pair.First.Percent);
        // Of a few seconds each look is a large part.
        var worst = told.Where(look => look.Came >= 5).Select(look => Math.Abs(look.Told - look.Came) / look.Came).DefaultIfEmpty().Max();
        var some = told.DistinctBy(look => (int)look.Percent / 10).Select(look => string.Create(CultureInfo.InvariantCulture, $"at {look.Percent:0} % {look.Told:0}/{look.Came:0} s"));
        return string.Create(CultureInfo.InvariantCulture, $"time left told/came {string.Join(", ", some)}; largest error where 5 s or more were left {100 * worst:0} %; percentage went back {back} times in {looks.Count} looks");
    }

    private async Task WatchAsync()
    {
        await using var connection = new NpgsqlConnection(_target.AdminConnectionString);
        await connection.OpenAsync();
        while (!_ended.IsCancellationRequested)
        {
            try
            {
                await using var command = new NpgsqlCommand(Sql, connection);
                await using var reader = await command.ExecuteReaderAsync();
                if (await reader.ReadAsync() && !await reader.IsDBNullAsync(1))
                {
                    _looks.Add((reader.GetFieldValue<DateTimeOffset>(0), reader.GetDouble(1), await reader.IsDBNullAsync(2) ? null : reader.GetDouble(2)));
                }
            }
            catch (PostgresException)
            {
                // There is no state yet.
            }

            await Task.Delay(TimeSpan.FromSeconds(1), _ended.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
