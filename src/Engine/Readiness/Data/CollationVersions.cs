using HerokuMigrator.Catalog;

namespace HerokuMigrator.Readiness;

internal sealed class CollationVersions : IReadinessCheck
{
    /// <summary>Unique indexes with a column by a collation whose library is another one than when it was made.</summary>
    private static string IndexesSql(bool databaseHasVersion) => $"""
        WITH changed AS (
            SELECT o.oid, o.collname::text AS name, o.collversion AS was, pg_collation_actual_version(o.oid) AS is_now, n.nspname::text AS schema
            FROM pg_collation o JOIN pg_namespace n ON n.oid = o.collnamespace
            WHERE o.collversion <> pg_collation_actual_version(o.oid)
            {(databaseHasVersion
                ? "UNION ALL SELECT 100, d.datname::text, d.datcollversion, pg_database_collation_actual_version(d.oid), '' FROM pg_database d WHERE d.datname = current_database() AND d.datcollversion <> pg_database_collation_actual_version(d.oid)"
                : "")})
        SELECT v.schema, v.name, v.was, v.is_now, n.nspname, x.relname
        FROM changed v JOIN pg_index i ON v.oid = ANY (i.indcollation::oid[])
        JOIN pg_class x ON x.oid = i.indexrelid AND x.relkind = 'i' JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE i.indisunique AND {UserObjects.RelationFilter}
        ORDER BY 1, 2, 5, 6
        """;

    private static readonly Version DatabaseVersions = new(15, 0);

    public string Id => nameof(CollationVersions);

    public string Group => CheckGroup.Data;

    public string Title => "The source's text indexes were built by the collations of now";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        var found = await source.ListAsync(
            IndexesSql(source.PostgreSqlVersion >= DatabaseVersions),
            row => (
                Schema: row.GetString(0), Name: row.GetString(1),
                Text: $"{(row.GetString(0).Length == 0 ? "the database's own" : SqlName.Qualify(row.GetString(0), row.GetString(1)))} ({row.GetString(2)}, now {row.GetString(3)})",
                Index: SqlName.Qualify(row.GetString(4), row.GetString(5))),
            cancellationToken);
        if (found.Count == 0)
        {
            return Finding.Pass("No unique index of the source rests on a collation whose version has changed.");
        }

        List<string> indexes = [.. found.Select(one => one.Index).Distinct(StringComparer.Ordinal)];
        return Finding.Warning(
            $"Collations of the source have changed since they were recorded: {FindingText.Several([.. found.Select(one => one.Text).Distinct(StringComparer.Ordinal)])}. On them rest {FindingText.Count(indexes.Count, "unique index", "unique indexes")}: {FindingText.Several(indexes)}.",
            "An index that was built in another order may have let in rows twice, which the target's index refuses, and rows may not be found by it.",
            "-- on the source; REINDEX tells rows that are there twice\n" + FindingText.Statements(
                [.. indexes.Select(index => $"REINDEX INDEX CONCURRENTLY {index}"), .. found.Select(one => one.Schema.Length == 0
                    ? $"ALTER DATABASE {SqlName.Quote(one.Name)} REFRESH COLLATION VERSION"
                    : $"ALTER COLLATION {SqlName.Qualify(one.Schema, one.Name)} REFRESH VERSION").Distinct(StringComparer.Ordinal)]),
            indexes);
    }
}
