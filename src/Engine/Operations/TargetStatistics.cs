using HerokuMigrator.Catalog;
using HerokuMigrator.Schema;
using HerokuMigrator.State;
using Npgsql;

namespace HerokuMigrator.Operations;

/// <summary>Analyses the tables on the target, each once: a run that was killed goes on with the next one.</summary>
internal sealed class TargetStatistics(MigrationSession session)
{
    /// <summary>Tables side by side.</summary>
    private const int Jobs = 4;

    /// <summary>Of a sample that the target works up in a second, roughly.</summary>
    private const double ValuesASecond = 2e6;

    /// <summary>The same for whoever makes the tables' indexes, on whose expressions statistics are wanted too.</summary>
    public async Task<IReadOnlyList<BuildPiece>> PlanAsync(CancellationToken cancellationToken) =>
    [
        .. (await session.Store.ReadUnanalyzedAsync(cancellationToken)).Select(table => new BuildPiece(
            SqlName.Qualify(table.Schema, table.Table), table.Values / ValuesASecond, IsLast: true, token => AnalyzeAsync(table.Schema, table.Table, token))),
    ];

    public async Task AnalyzeAsync(CancellationToken cancellationToken)
    {
        var pending = await session.Store.ReadUnanalyzedAsync(cancellationToken);
        await Parallel.ForEachAsync(
            pending,
            new ParallelOptions { MaxDegreeOfParallelism = Jobs, CancellationToken = cancellationToken },
            async (table, token) => await AnalyzeAsync(table.Schema, table.Table, token));
    }

    private async Task AnalyzeAsync(string schema, string table, CancellationToken cancellationToken)
    {
        var settings = await session.ReadApplicationSettingsAsync(cancellationToken);
        await using var target = await session.Target.OpenConnectionAsync(cancellationToken);
        await AnalyzeAsync(target, schema, table, settings, cancellationToken);
        await StateStore.MarkAnalyzedAsync(target, schema, table, cancellationToken);
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
