using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace HerokuMigrator.Capture;

/// <summary>Statements that take locks of a table of the application, to be run in a transaction of their own; those that take them come last.</summary>
internal sealed record ShortTransaction(string Table, IReadOnlyList<string> Statements);

/// <summary>
/// Runs transactions one after the other, many in one way to the server and back. Each is sent with its BEGIN and COMMIT,
/// so that it holds its locks for as long as the server needs, and not for a way there and back.
/// After each it rests for as long as one takes: every session of the application looks through all of its cached plans for each change of the catalog,
/// before it does anything else, and without a rest the changes of many tables wait for it.
/// </summary>
/// <param name="onBlocked">Table, attempt and who is in the way.</param>
internal sealed class ShortTransactions(NpgsqlConnection connection, LockPatience patience, Func<string, int, IReadOnlyList<FenceBlocker>, Task> onBlocked)
{
    private const int Together = 20;

    private static readonly TimeSpan FirstRest = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan LongestRest = TimeSpan.FromMilliseconds(100);

    private TimeSpan _rest = FirstRest;

    public async Task RunAsync(IReadOnlyList<ShortTransaction> transactions, Action<ShortTransaction> onDone, CancellationToken cancellationToken)
    {
        for (var at = 0; at < transactions.Count;)
        {
            var together = transactions.Skip(at).Take(Together).ToList();
            var done = await TryTogetherAsync(together, cancellationToken);
            if (done < together.Count)
            {
                // The one that was refused, by itself: it waits for its locks, or tells what is wrong.
                await RunAsync(together[done++], cancellationToken);
            }

            foreach (var transaction in together.Take(done))
            {
                onDone(transaction);
            }

            at += done;
        }
    }

    public Task<LocksTaken> RunAsync(ShortTransaction transaction, CancellationToken cancellationToken) =>
        patience.RunAsync(connection, transaction.Table, transaction.Statements, (attempt, blockers) => onBlocked(transaction.Table, attempt, blockers), cancellationToken);

    /// <summary>The number of those that were committed: all, or those before the first that was refused.</summary>
    private async Task<int> TryTogetherAsync(IReadOnlyList<ShortTransaction> transactions, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(connection) { Timeout = 0 };
        var ends = new List<int>();
        foreach (var transaction in transactions)
        {
            foreach (var sql in patience.Whole(transaction.Statements))
            {
                batch.BatchCommands.Add(new NpgsqlBatchCommand(sql));
            }

            ends.Add(batch.BatchCommands.Count);
            batch.BatchCommands.Add(new NpgsqlBatchCommand(string.Create(CultureInfo.InvariantCulture, $"SELECT pg_sleep({_rest.TotalSeconds})")));
        }

        try
        {
            var watch = Stopwatch.StartNew();
            await batch.ExecuteNonQueryAsync(cancellationToken);
            var one = (watch.Elapsed - (transactions.Count * _rest)) / transactions.Count;
            _rest = TimeSpan.FromTicks(Math.Clamp(one.Ticks, 0, LongestRest.Ticks));
            return transactions.Count;
        }
        catch (PostgresException exception) when (exception.BatchCommand is { } refused)
        {
            var command = batch.BatchCommands.IndexOf(refused);
            await connection.ExecuteAsync("ROLLBACK", CancellationToken.None);
            return ends.Count(end => end <= command);
        }
    }
}
