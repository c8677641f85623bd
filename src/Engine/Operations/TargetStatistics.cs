using HerokuMigrator.Catalog;
using HerokuMigrator.State;
using Npgsql;

namespace HerokuMigrator.Operations;

/// <summary>Analyses the tables on the target, each once: a run that was killed goes on with the next one.</summary>
internal sealed class TargetStatistics(MigrationSession session)
{
    /// <summary>Tables side by side.</summary>
    private const int Jobs = 4;

    public async Task<bool> ArePendingAsync(CancellationToken cancellationToken) => (await session.Store.ReadUnanalyzedAsync(cancellationToken)).Count > 0;

    public async Task AnalyzeAsync(CancellationToken cancellationToken)
    {
        var pending = await session.Store.ReadUnanalyzedAsync(cancellationToken);
        var settings = await session.ReadApplicationSettingsAsync(cancellationToken);
        await Parallel.ForEachAsync(
            pending,
            new ParallelOptions { MaxDegreeOfParallelism = Jobs, CancellationToken = cancellationToken },
            async (table, token) =>
            {
                await using var target = await session.Target.OpenConnectionAsync(token);
                await AnalyzeAsync(target, table.Schema, table.Table, settings, token);
                await StateStore.MarkAnalyzedAsync(target, table.Schema, table.Table, token);
            });
    }

    /// <summary>It computes the expressions of indexes, which may call the schema's own functions. In one way there and back.</summary>
    private async Task AnalyzeAsync(NpgsqlConnection target, string schema, string table, ApplicationSettings settings, CancellationToken cancellationToken)
    {
        try
        {
            await using var transaction = await target.BeginTransactionAsync(cancellationToken);
            await using var batch = new NpgsqlBatch(target) { Timeout = 0 };
            foreach (var sql in settings.SetLocalStatements.Append("ANALYZE " + SqlName.Qualify(schema, table)))
            {
                batch.BatchCommands.Add(new NpgsqlBatchCommand(sql));
            }

            await batch.ExecuteNonQueryAsync(cancellationToken);
            await transaction.CommitAsync(cancellationToken);
        }
        catch (PostgresException exception)
        {
            session.Events.Warning($"Table {SqlName.Qualify(schema, table)} was not analysed on the target: {exception.MessageText}. ANALYZE it by hand, or plans may be bad.");
        }
    }
}
