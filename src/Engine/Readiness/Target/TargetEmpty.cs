using HerokuMigrator.Catalog;

namespace HerokuMigrator.Readiness;

internal sealed class TargetEmpty : IReadinessCheck
{
    public string Id => nameof(TargetEmpty);

    public string Group => CheckGroup.Target;

    public string Title => "The target has no tables";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        if (context.OwnMigrationId is not null)
        {
            return Finding.Skipped("The migration was begun already: the tables on the target are its own.");
        }

        await using var target = await context.OpenTargetAsync(cancellationToken);
        var tables = await CatalogReader.ReadTableNamesAsync(target, cancellationToken);
        return tables.Count == 0
            ? Finding.Pass("The target has no tables.")
            : Finding.Blocked(
                $"The target has {FindingText.Count(tables.Count, "table")} already: {FindingText.Several(tables)}.",
                "The migration makes all tables itself, and must not touch the rows of others.",
                $"-- name an empty database as target; or, on the target, where these tables are not needed:\n{FindingText.Statements(tables.Select(table => $"DROP TABLE {table} CASCADE"))}",
                tables);
    }
}
