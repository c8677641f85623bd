using HerokuMigrator.Operations;
using HerokuMigrator.Schema;
using Npgsql;

namespace HerokuMigrator.Adoption;

/// <summary>Makes entries of the schema in a transaction that is rolled back: what the target refuses is known before the plan rests on it.</summary>
internal sealed class SchemaTrial(MigrationSession session)
{
    public async Task RunAsync(IReadOnlyList<string> statements, IReadOnlyList<SchemaEntry> entries, CancellationToken cancellationToken)
    {
        var settings = await session.ReadApplicationSettingsAsync(cancellationToken);
        await using var target = await session.OpenTargetAsync(cancellationToken);
        await using var transaction = await target.BeginTransactionAsync(cancellationToken);
        await target.ExecuteAsync($"{SchemaRestorer.SessionSettings.Replace("SET ", "SET LOCAL ", StringComparison.Ordinal)}; SET LOCAL lock_timeout = '10s'", cancellationToken);
        foreach (var statement in statements)
        {
            await target.ExecuteAsync(statement, cancellationToken);
        }

        foreach (var entry in entries.OrderBy(entry => entry.Stage).ThenBy(entry => entry.Sequence))
        {
            try
            {
                await target.ExecuteAsync(entry.Stage == SchemaStage.BeforeData ? "SET LOCAL search_path = pg_catalog" : settings.SetLocal, cancellationToken);
                await target.ExecuteScriptAsync(entry.Sql, cancellationToken);
            }
            catch (PostgresException exception)
            {
                throw Errors.CarryOverRefused(entry.ToString(), exception);
            }
        }

        await transaction.RollbackAsync(cancellationToken);
    }
}
