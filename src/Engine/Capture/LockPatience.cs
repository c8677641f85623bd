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
    public Task<LocksTaken> RunAsync(
        NpgsqlConnection connection, IReadOnlyList<string> tables, Func<Task> work, Func<int, string, Task> onBlocked, CancellationToken cancellationToken) => RetryAsync(
            connection,
            tables,
            async () =>
            {
                await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
                await connection.ExecuteAsync(Limit, cancellationToken);
                await work();
                await transaction.CommitAsync(cancellationToken);
            },
            onBlocked,
            cancellationToken);

    /// <summary>The same for statements that are known beforehand: all of the transaction goes in one way there and back, and no lock is held for one.</summary>
    public Task<LocksTaken> RunAsync(
        NpgsqlConnection connection, string table, IReadOnlyList<string> statements, Action<int, string> onBlocked, CancellationToken cancellationToken) => RetryAsync(
            connection,
            [table],
            async () =>
            {
                await using var batch = new NpgsqlBatch(connection) { Timeout = 0 };
                foreach (var sql in Whole(statements))
                {
                    batch.BatchCommands.Add(new NpgsqlBatchCommand(sql));
                }

                try
                {
                    await batch.ExecuteNonQueryAsync(cancellationToken);
                }
                catch (PostgresException)
                {
                    await connection.ExecuteAsync("ROLLBACK", CancellationToken.None);
                    throw;
                }
            },
            (attempt, blockers) =>
            {
                onBlocked(attempt, blockers);
                return Task.CompletedTask;
            },
            cancellationToken);

    /// <summary>A transaction of these statements, each of whose locks waits for <see cref="Wait"/> at most.</summary>
    public IEnumerable<string> Whole(IEnumerable<string> statements) => [.. statements.Prepend(Limit).Prepend("BEGIN"), "COMMIT"];

    private string Limit => string.Create(CultureInfo.InvariantCulture, $"SET LOCAL lock_timeout = {Wait.TotalMilliseconds:0}");

    private async Task<LocksTaken> RetryAsync(
        NpgsqlConnection connection, IReadOnlyList<string> tables, Func<Task> attemptAsync, Func<int, string, Task> onBlocked, CancellationToken cancellationToken)
    {
        var until = DateTimeOffset.UtcNow + GiveUpAfter;
        var failed = TimeSpan.Zero;
        for (var attempt = 1; ; attempt++)
        {
            var clock = Stopwatch.StartNew();
            try
            {
                await attemptAsync();
                return new LocksTaken(attempt, failed);
            }
            catch (PostgresException exception) when (exception.SqlState is PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.QueryCanceled)
            {
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
