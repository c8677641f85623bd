using System.Diagnostics;
using HerokuMigrator.Catalog;
using HerokuMigrator.Operations;
using HerokuMigrator.State;
using Npgsql;

namespace HerokuMigrator.Copy;

/// <summary>Copies one chunk: rows and checkpoint commit together, and the source's snapshot lives for this chunk alone.</summary>
internal sealed class ChunkCopier(MigrationSession session, RowTransfer transfer)
{
    /// <summary>False where the table's rows moved to another file since the chunks were planned: no range of blocks means anything any more.</summary>
    public async Task<bool> CopyAsync(CopyChunk chunk, string sourceFile, CancellationToken cancellationToken)
    {
        try
        {
            await using var source = await session.Source.OpenConnectionAsync(cancellationToken);
            await using var target = await session.Target.OpenConnectionAsync(cancellationToken);
            await using var transaction = await target.BeginTransactionAsync(cancellationToken);
            await TableCopier.PrepareAsync(session, target, cancellationToken);
            if (!await ChunkStore.ClaimAsync(target, chunk, cancellationToken))
            {
                // The attempt before had committed, and only its answer was lost.
                session.Meter.Advance(chunk.Table, 0, 0, chunk.PlannedBytes);
                return true;
            }

            var clock = Stopwatch.StartNew();
            await using (var reading = await source.BeginTransactionAsync(cancellationToken))
            {
                if (await LockFileAsync(source, chunk.Table, cancellationToken) != sourceFile)
                {
                    return false;
                }

                var (rows, bytes) = await transfer.RunAsync(source, target, chunk.Table, chunk.Condition, chunk.PlannedBytes, cancellationToken);
                await ChunkStore.MarkAsync(target, chunk, rows, bytes, cancellationToken);
            }

            session.Meter.ReportSnapshot(clock.Elapsed);
            await transaction.CommitAsync(cancellationToken);
            return true;
        }
        catch (Exception exception) when (TableCopier.IsFailure(exception))
        {
            throw TableCopier.Failure(chunk.Table, exception);
        }
    }

    /// <summary>Held to the end of the transaction, the lock keeps the rows from being rewritten while they are read; it is the one of any SELECT.</summary>
    private static async Task<string?> LockFileAsync(NpgsqlConnection source, TableInfo table, CancellationToken cancellationToken)
    {
        await source.ExecuteAsync($"LOCK TABLE ONLY {table.QualifiedName} IN ACCESS SHARE MODE", cancellationToken);
        return await source.ScalarAsync<string>("SELECT pg_relation_filenode(to_regclass($1))::text", cancellationToken, table.QualifiedName);
    }
}
