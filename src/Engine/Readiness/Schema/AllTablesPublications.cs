using HerokuMigrator.Catalog;
using Npgsql;

namespace HerokuMigrator.Readiness;

internal sealed class AllTablesPublications : IReadinessCheck
{
    private const string Sql = "SELECT pubname, pubupdate OR pubdelete FROM pg_publication WHERE puballtables ORDER BY 1";

    public string Id => nameof(AllTablesPublications);

    public string Group => CheckGroup.Schema;

    public string Title => "No publication of all tables refuses what the migration writes";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        await using var target = await context.OpenTargetAsync(cancellationToken);
        var (onSource, onTarget) = (await ReadAsync(source, cancellationToken), await ReadAsync(target, cancellationToken));
        if (onSource.Count + onTarget.Count == 0)
        {
            return Finding.Pass("No publication is of all tables.");
        }

        if (Demanding(onSource) is { Count: > 0 } blocking)
        {
            return Finding.Blocked(
                $"The source publishes updates and deletes of all tables: {FindingText.Several(blocking)}.",
                "Under such a publication nothing can be deleted from a table without a replica identity, which the tables of captured changes have none of.",
                FindingText.Statements(blocking.Select(name => $"ALTER PUBLICATION {name} SET (publish = 'insert, truncate')")) + "\n-- or DROP PUBLICATION, where nothing subscribes to it",
                blocking);
        }

        var keyed = context.Catalog.Tables.Where(table => table.Mode == TransferMode.Replayed).Select(table => table.QualifiedName).ToHashSet(StringComparer.Ordinal);
        var withoutIdentity = (await CatalogQuestions.RelationsAsync(
            source,
            "c.relkind = 'r' AND (c.relreplident = 'n' OR c.relreplident = 'd' AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary))",
            cancellationToken)).FindAll(keyed.Contains);
        return Demanding(onTarget) is { Count: > 0 } demanding && withoutIdentity.Count > 0
            ? Finding.Blocked(
                $"The target publishes updates and deletes of all tables ({FindingText.Several(demanding)}), and {FindingText.Count(withoutIdentity.Count, "table has", "tables have")} no replica identity: {FindingText.Several(withoutIdentity)}.",
                "Changes of those tables could not be applied on the target.",
                FindingText.Statements(withoutIdentity.Select(table => $"ALTER TABLE {table} REPLICA IDENTITY FULL")) + "\n-- on the source, from where the target gets it; or drop the target's publication",
                withoutIdentity)
            : FindingText.Note(
                $"Publications of all tables: {FindingText.Several([.. Names(onSource).Select(name => $"{name} on the source"), .. Names(onTarget).Select(name => $"{name} on the target")])}.",
                "Publications are not moved. The one of a source also publishes the tables of captured changes, the one of a target also the rows that are copied.",
                [.. Names(onSource).Union(Names(onTarget))]);
    }

    private static Task<List<(string Name, bool Demanding)>> ReadAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        connection.ListAsync(Sql, row => (SqlName.Quote(row.GetString(0)), row.GetBoolean(1)), cancellationToken);

    private static List<string> Demanding(IEnumerable<(string Name, bool Demanding)> publications) => [.. Names(publications.Where(one => one.Demanding))];

    private static IEnumerable<string> Names(IEnumerable<(string Name, bool Demanding)> publications) => publications.Select(one => one.Name);
}
