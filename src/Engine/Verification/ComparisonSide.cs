using HerokuMigrator.Copy;
using Npgsql;

namespace HerokuMigrator.Verification;

/// <summary>One of the two databases: so many statements at a time, each in a snapshot of its own that ends with it.</summary>
internal sealed class ComparisonSide(NpgsqlDataSource database, string searchPath, int jobs, int version) : IDisposable
{
    private const int FirstServerWithRangeScans = 140000;

    /// <summary>Under the server's deadlock_timeout, as everywhere on the source: whoever alters a table goes first.</summary>
    private const string LockTimeout = "800";

    private const int LockAttempts = 30;

    /// <summary>After 1, 2, 4 … s: a server that is started anew is back by then.</summary>
    private const int Reconnects = 6;

    private static readonly TimeSpan BetweenLocks = TimeSpan.FromMilliseconds(200);

    private readonly SemaphoreSlim _gate = new(jobs, jobs);

    public bool ScansRangesOfBlocks => version >= FirstServerWithRangeScans;

    public void Dispose() => _gate.Dispose();

    /// <param name="sql">One statement.</param>
    /// <param name="read">Called for each row.</param>
    /// <param name="byKey">Key types of extensions are compared by operators that are not in pg_catalog; each row is found by its index.</param>
    /// <param name="cancellationToken">Ends it on the server too.</param>
    /// <param name="parameters">By position.</param>
    public async Task<List<T>> QueryAsync<T>(string sql, Func<NpgsqlDataReader, T> read, bool byKey, CancellationToken cancellationToken, params object[] parameters)
    {
        for (int attempt = 1, broken = 0; ; attempt++)
        {
            try
            {
                return await QueryOnceAsync(sql, read, byKey, parameters, cancellationToken);
            }
            catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.LockNotAvailable && attempt < LockAttempts)
            {
                await Task.Delay(BetweenLocks, cancellationToken);
            }
            catch (Exception exception) when (TransientFault.Is(exception) && exception is not PostgresException { SqlState: PostgresErrorCodes.LockNotAvailable } && broken < Reconnects)
            {
                await Task.Delay(TimeSpan.FromSeconds(1 << broken++), cancellationToken);
            }
        }
    }

    private async Task<List<T>> QueryOnceAsync<T>(string sql, Func<NpgsqlDataReader, T> read, bool byKey, object[] parameters, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            await using var connection = await database.OpenConnectionAsync(cancellationToken);
            await using var batch = new NpgsqlBatch(connection) { Timeout = 0 };
            // All of a batch is one transaction.
            batch.BatchCommands.Add(new NpgsqlBatchCommand($"SELECT set_config('lock_timeout', '{LockTimeout}', true)"));
            if (byKey)
            {
                batch.BatchCommands.Add(new NpgsqlBatchCommand(
                    "SELECT set_config('search_path', $1, true), set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)")
                {
                    Parameters = { new NpgsqlParameter { Value = searchPath } },
                });
            }

            var command = new NpgsqlBatchCommand(sql);
            foreach (var value in parameters)
            {
                command.Parameters.Add(new NpgsqlParameter { Value = value });
            }

            batch.BatchCommands.Add(command);
            var skipped = 0;
            await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
            while (batch.BatchCommands.Count - 1 > skipped++)
            {
                await reader.NextResultAsync(cancellationToken);
            }

            var rows = new List<T>();
            while (await reader.ReadAsync(cancellationToken))
            {
                rows.Add(read(reader));
            }

            return rows;
        }
        finally
        {
            _gate.Release();
        }
    }
}
