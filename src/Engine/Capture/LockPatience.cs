using System.Diagnostics;
using System.Globalization;
using HerokuMigrator.Catalog;
using Npgsql;

namespace HerokuMigrator.Capture;

/// <summary>What it took to get locks.</summary>
/// <param name="Failed">How long attempts that failed held others up, in all.</param>
internal sealed record LocksTaken(int Attempts, TimeSpan Failed);

/// <summary>
/// Takes locks on a busy source without making its writers queue: short waits, pauses that grow between them, and a bound on it all.
/// </summary>
internal sealed record LockPatience(TimeSpan Wait, TimeSpan GiveUpAfter)
{
    public static readonly LockPatience Default = new(TimeSpan.FromMilliseconds(250), TimeSpan.FromMinutes(10));

    /// <summary>
    /// Runs the work in a transaction of its own until its locks were free; returns what it took.
    /// Each lock waits for <see cref="Wait"/> at most; a statement that the work itself limits counts as a lock that was not free.
    /// </summary>
    public async Task<LocksTaken> RunAsync(
        NpgsqlConnection connection, IReadOnlyList<string> tables, Func<Task> work, Func<int, string, Task> onBlocked, CancellationToken cancellationToken)
    {
        var until = DateTimeOffset.UtcNow + GiveUpAfter;
        var failed = TimeSpan.Zero;
        for (var attempt = 1; ; attempt++)
        {
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            var clock = Stopwatch.StartNew();
            try
            {
                var milliseconds = Wait.TotalMilliseconds.ToString("0", CultureInfo.InvariantCulture);
                await connection.ExecuteAsync($"SET LOCAL lock_timeout = {milliseconds}", cancellationToken);
                await work();
                await transaction.CommitAsync(cancellationToken);
                return new LocksTaken(attempt, failed);
            }
            catch (PostgresException exception) when (exception.SqlState is PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.QueryCanceled)
            {
                await transaction.RollbackAsync(CancellationToken.None);
                failed += clock.Elapsed;
                var blockers = await LockHolders.DescribeAsync(connection, tables, cancellationToken);
                if (DateTimeOffset.UtcNow >= until)
                {
                    throw Errors.LockNotGranted(tables.Count == 1 ? tables[0] : $"{tables.Count} tables", attempt, blockers, exception);
                }

                await onBlocked(attempt, blockers);
                await Task.Delay(TimeSpan.FromMilliseconds(Math.Min(2000, 100 * attempt)), cancellationToken);
            }
        }
    }
}

/// <summary>Who holds locks that keep writers, or us, from a table.</summary>
internal static class LockHolders
{
    public static async Task<string> DescribeAsync(NpgsqlConnection connection, IReadOnlyList<string> tables, CancellationToken cancellationToken)
    {
        var holders = await connection.ListAsync(
            """
            SELECT DISTINCT a.pid, coalesce(a.usename, '?'), coalesce(a.application_name, ''), coalesce(a.state, '?'),
                   coalesce(extract(epoch FROM clock_timestamp() - a.xact_start)::float8, 0)
            FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
            WHERE l.locktype = 'relation' AND l.granted AND l.mode <> 'AccessShareLock' AND l.pid <> pg_backend_pid()
              AND l.relation = ANY (ARRAY(SELECT to_regclass(t)::oid FROM unnest($1::text[]) t))
            ORDER BY 5 DESC LIMIT 5
            """,
            row => $"pid {row.GetInt32(0)} (user {row.GetString(1)}, application '{row.GetString(2)}', {row.GetString(3)}, transaction open for {row.GetDouble(4):0.0} s)",
            cancellationToken,
            [tables.ToArray()]);
        return holders.Count == 0 ? "nobody that is still there" : string.Join("; ", holders);
    }
}
