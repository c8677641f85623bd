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
    /// <summary>How long it rests between two attempts at most: 100 ms more after each one.</summary>
    public TimeSpan LongestPause { get; init; } = TimeSpan.FromSeconds(2);

    public static readonly LockPatience Default = new(TimeSpan.FromMilliseconds(250), TimeSpan.FromMinutes(10));

    /// <summary>
    /// Runs the work in a transaction of its own until its locks were free; returns what it took.
    /// Each lock waits for <see cref="Wait"/> at most; a statement that the work itself limits counts as a lock that was not free.
    /// </summary>
    public Task<LocksTaken> RunAsync(
        NpgsqlConnection connection, IReadOnlyList<string> tables, Func<Task> work, Func<int, IReadOnlyList<FenceBlocker>, Task> onBlocked, CancellationToken cancellationToken) => RetryAsync(
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
        NpgsqlConnection connection, string table, IReadOnlyList<string> statements, Func<int, IReadOnlyList<FenceBlocker>, Task> onBlocked, CancellationToken cancellationToken) => RetryAsync(
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
            onBlocked,
            cancellationToken);

    /// <summary>A transaction of these statements, each of whose locks waits for <see cref="Wait"/> at most.</summary>
    public IEnumerable<string> Whole(IEnumerable<string> statements) => [.. statements.Prepend(Limit).Prepend("BEGIN"), "COMMIT"];

    /// <summary>A lock was not to be had in time, and nothing else is wrong.</summary>
    public static bool IsLock(PostgresException exception) =>
        exception.SqlState is PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.QueryCanceled;

    private string Limit => string.Create(CultureInfo.InvariantCulture, $"SET LOCAL lock_timeout = {Wait.TotalMilliseconds:0}");

    private async Task<LocksTaken> RetryAsync(
        NpgsqlConnection connection, IReadOnlyList<string> tables, Func<Task> attemptAsync, Func<int, IReadOnlyList<FenceBlocker>, Task> onBlocked, CancellationToken cancellationToken)
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
            catch (PostgresException exception) when (IsLock(exception))
            {
                failed += clock.Elapsed;
                var blockers = await LockHolders.ReadAsync(connection, tables, cancellationToken);
                if (DateTimeOffset.UtcNow >= until)
                {
                    throw Errors.LockNotGranted(tables.Count == 1 ? tables[0] : $"{tables.Count} tables", attempt, LockHolders.Describe(blockers), exception);
                }

                await onBlocked(attempt, blockers);
                await Task.Delay(TimeSpan.FromMilliseconds(Math.Min(LongestPause.TotalMilliseconds, 100 * attempt)), cancellationToken);
            }
        }
    }
}
