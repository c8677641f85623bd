using HerokuMigrator.Catalog;
using Npgsql;

namespace HerokuMigrator.Readiness;

internal sealed class TargetCollisions : IReadinessCheck
{
    /// <summary>Views, sequences, functions and types: kind, name, and a statement to drop it. Row types and array types come and go with their owners.</summary>
    private const string Sql = $"""
        SELECT n.nspname, c.relname, '', CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TYPE' END
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('v', 'm', 'S', 'c') AND {UserObjects.RelationFilter}
          AND NOT EXISTS (SELECT FROM pg_depend e WHERE c.relkind = 'c' AND e.classid = 'pg_type'::regclass AND e.objid = c.reltype AND e.deptype = 'e')
        UNION ALL
        SELECT n.nspname, p.proname, '(' || pg_get_function_identity_arguments(p.oid) || ')', CASE p.prokind WHEN 'p' THEN 'PROCEDURE' WHEN 'a' THEN 'AGGREGATE' ELSE 'FUNCTION' END
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE {UserObjects.SchemaFilter} AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid AND e.deptype = 'e')
        UNION ALL
        SELECT n.nspname, t.typname, '', CASE t.typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END
        FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
        WHERE t.typtype IN ('e', 'd', 'r') AND {UserObjects.SchemaFilter} AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_type'::regclass AND e.objid = t.oid AND e.deptype = 'e')
        ORDER BY 1, 2, 3
        """;

    public string Id => nameof(TargetCollisions);

    public string Group => CheckGroup.Target;

    public string Title => "Nothing else on the target has a name that the source uses";

    private sealed record Item(string Kind, string Name);

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        if (context.OwnMigrationId is not null)
        {
            return Finding.Skipped("The migration was begun already: the objects on the target are its own.");
        }

        await using var source = await context.OpenSourceAsync(cancellationToken);
        await using var target = await context.OpenTargetAsync(cancellationToken);
        var there = await ReadAsync(target, cancellationToken);
        if (there.Count == 0)
        {
            return Finding.Pass("The target has no views, sequences, functions or types of its own.");
        }

        var coming = (await ReadAsync(source, cancellationToken)).Select(item => item.Name)
            .Concat(context.Catalog.Tables.Select(table => table.QualifiedName)).Concat(context.Catalog.PartitionedTables).ToHashSet(StringComparer.Ordinal);
        var colliding = there.Where(item => coming.Contains(item.Name)).ToList();
        return colliding.Count == 0
            ? Finding.Pass($"The target has {FindingText.Count(there.Count, "view, sequence, function or type", "views, sequences, functions and types")} of its own; none has a name that the source uses.")
            : Finding.Blocked(
                $"{FindingText.Count(colliding.Count, "object")} of the target {(colliding.Count == 1 ? "has a name" : "have names")} that the source uses too: {FindingText.Several(colliding.ConvertAll(item => $"{item.Kind.ToLowerInvariant()} {item.Name}"))}.",
                "The source's object of that name could not be made.",
                $"-- name an empty database as target; or, on the target, where these objects are not needed:\n{FindingText.Statements(colliding.Select(item => $"DROP {item.Kind} {item.Name} CASCADE"))}",
                colliding.ConvertAll(item => item.Name));
    }

    private static Task<List<Item>> ReadAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        connection.ListAsync(Sql, row => new Item(row.GetString(3), SqlName.Qualify(row.GetString(0), row.GetString(1)) + row.GetString(2)), cancellationToken);
}
