using HerokuMigrator.Operations;
using Npgsql;

namespace HerokuMigrator.Status;

/// <summary>Which of our sessions wait for whom, on either side; by locks alone, as that is what a server tells.</summary>
internal static class Waits
{
    private const int Shown = 5;

    private const string Sql = """
        SELECT waiting.pid, left(regexp_replace(waiting.query, '\s+', ' ', 'g'), 80), blocker.pid, coalesce(blocker.usename::text, '?'), coalesce(nullif(blocker.application_name, ''), 'no name'),
               coalesce(blocker.state, '?'), coalesce(extract(epoch FROM clock_timestamp() - coalesce(blocker.query_start, blocker.xact_start)), 0)::float8
        FROM pg_stat_activity waiting, unnest(pg_blocking_pids(waiting.pid)) one(pid) JOIN pg_stat_activity blocker ON blocker.pid = one.pid
        WHERE waiting.datname = current_database() AND waiting.pid <> pg_backend_pid() AND waiting.wait_event_type = 'Lock'
          AND (waiting.application_name LIKE 'heroku-migrator %' OR waiting.application_name ILIKE 'bucardo%')
        ORDER BY 7 DESC LIMIT 5
        """;

    /// <summary>Each in a sentence; empty where nobody waits, or a side cannot be asked.</summary>
    public static async Task<IReadOnlyList<string>> ReadAsync(MigrationSession session, CancellationToken cancellationToken) =>
    [
        .. (await ReadAsync(session.OpenSourceAsync, "source", cancellationToken)).Concat(await ReadAsync(session.OpenTargetAsync, "target", cancellationToken)).Take(Shown),
    ];

    private static async Task<IReadOnlyList<string>> ReadAsync(Func<CancellationToken, Task<NpgsqlConnection>> open, string side, CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = await open(cancellationToken);
            return await connection.ListAsync(
                Sql,
                row => $"On the {side} session {row.GetInt32(0)} ({row.GetString(1).Trim()}) waits for session {row.GetInt32(2)} of {row.GetString(3)} ({row.GetString(4)}), {row.GetString(5)}, whose statement began {DurationText.Of(row.GetDouble(6))} ago.",
                cancellationToken);
        }
        catch (Exception exception) when (exception is NpgsqlException or MigrationException)
        {
            return [];
        }
    }
}
