using HerokuMigrator.Catalog;
using HerokuMigrator.Operations;
using Npgsql;

namespace HerokuMigrator.Copy;

/// <summary>Fills the target's materialized views, those that others depend on first. They hold no data of their own, so they are refreshed, not copied.</summary>
internal sealed class MaterializedViews(MigrationSession session)
{
    private const string OrderedSql = $"""
        WITH RECURSIVE depth(oid, level) AS (
            SELECT c.oid, 0 FROM pg_class c WHERE c.relkind = 'm'
            UNION
            SELECT r.ev_class, depth.level + 1
            FROM depth JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = depth.oid AND d.classid = 'pg_rewrite'::regclass
            JOIN pg_rewrite r ON r.oid = d.objid AND r.ev_class <> depth.oid
            WHERE depth.level < 50)
        SELECT n.nspname, c.relname, max(depth.level)
        FROM depth JOIN pg_class c ON c.oid = depth.oid AND c.relkind = 'm' JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE {UserObjects.RelationFilter} AND NOT ($1 AND c.relispopulated)
        GROUP BY 1, 2 ORDER BY 3, 1, 2
        """;

    /// <summary>Only those that the source has filled.</summary>
    /// <param name="onlyEmpty">And not those that are filled on the target, with whatever.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task RefreshAsync(bool onlyEmpty, CancellationToken cancellationToken)
    {
        await using var source = await session.OpenSourceAsync(cancellationToken);
        var catalog = await source.ListAsync(
            $"SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'm' AND c.relispopulated AND {UserObjects.RelationFilter}",
            row => (Schema: row.GetString(0), Name: row.GetString(1)),
            cancellationToken);
        await using var target = await session.OpenTargetAsync(cancellationToken);
        var views = await target.ListAsync(OrderedSql, row => (Schema: row.GetString(0), Name: row.GetString(1)), cancellationToken, onlyEmpty);
        var settings = await session.ReadApplicationSettingsAsync(cancellationToken);
        foreach (var view in views.Where(catalog.Contains))
        {
            try
            {
                await using var transaction = await target.BeginTransactionAsync(cancellationToken);
                await target.ExecuteAsync(settings.SetLocal, cancellationToken);
                await target.ExecuteAsync("REFRESH MATERIALIZED VIEW " + SqlName.Qualify(view.Schema, view.Name), cancellationToken);
                await transaction.CommitAsync(cancellationToken);
            }
            catch (NpgsqlException exception)
            {
                session.Events.Warning($"Materialized view {SqlName.Qualify(view.Schema, view.Name)} was not refreshed on the target: {exception.Message}. REFRESH it by hand.");
            }
        }
    }
}
