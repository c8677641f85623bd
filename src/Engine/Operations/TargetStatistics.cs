using HerokuMigrator.Catalog;
using HerokuMigrator.State;
using Npgsql;

namespace HerokuMigrator.Operations;

/// <summary>Analyses the tables on the target, each once: a run that was killed goes on with the next one.</summary>
internal sealed class TargetStatistics(MigrationSession session)
{
    public async Task<bool> ArePendingAsync(CancellationToken cancellationToken) => (await session.Store.ReadUnanalyzedAsync(cancellationToken)).Count > 0;

    public async Task AnalyzeAsync(CancellationToken cancellationToken)
    {
        var pending = await session.Store.ReadUnanalyzedAsync(cancellationToken);
        var settings = await session.ReadApplicationSettingsAsync(cancellationToken);
        await using var target = await session.OpenTargetAsync(cancellationToken);
        foreach (var (schema, table) in pending)
        {
            await AnalyzeAsync(target, schema, table, settings, cancellationToken);
            await StateStore.MarkAnalyzedAsync(target, schema, table, cancellationToken);
        }
    }

    /// <summary>It computes the expressions of indexes, which may call the schema's own functions.</summary>
    private async Task AnalyzeAsync(NpgsqlConnection target, string schema, string table, ApplicationSettings settings, CancellationToken cancellationToken)
    {
        try
        {
            await using var transaction = await target.BeginTransactionAsync(cancellationToken);
            await target.ExecuteAsync(settings.SetLocal, cancellationToken);
            await target.ExecuteAsync("ANALYZE " + SqlName.Qualify(schema, table), cancellationToken);
            await transaction.CommitAsync(cancellationToken);
        }
        catch (PostgresException exception)
        {
            session.Events.Warning($"Table {SqlName.Qualify(schema, table)} was not analysed on the target: {exception.MessageText}. ANALYZE it by hand, or plans may be bad.");
        }
    }
}
