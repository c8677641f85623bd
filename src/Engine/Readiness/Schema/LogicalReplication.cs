using HerokuMigrator.Catalog;

namespace HerokuMigrator.Readiness;

internal sealed class LogicalReplication : IReadinessCheck
{
    /// <summary>The first version with lists of columns, filters of rows, and whole schemas in a publication.</summary>
    private const int ListsSince = 15;

    private const string ListsSql = """
        || coalesce(' (' || (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY k.at) FROM unnest(r.prattrs::int2[]) WITH ORDINALITY k(num, at)
                             JOIN pg_attribute a ON a.attrelid = r.prrelid AND a.attnum = k.num) || ')', '')
        || CASE WHEN r.prqual IS NULL THEN '' ELSE ' /* and its filter: WHERE (…) */' END
        """;

    private const string SchemasSql =
        "ARRAY(SELECT quote_ident(n.nspname) FROM pg_publication_namespace s JOIN pg_namespace n ON n.oid = s.pnnspid WHERE s.pnpubid = p.oid ORDER BY 1)";

    private const string SlotsSql = "SELECT slot_name FROM pg_replication_slots WHERE slot_type = 'logical' AND database = current_database() ORDER BY 1";

    private const string SubscriptionsSql =
        "SELECT subname FROM pg_subscription WHERE NOT subenabled AND subdbid = (SELECT oid FROM pg_database WHERE datname = current_database()) ORDER BY 1";

    private sealed record Publication(string Name, string[] Tables, string[] Schemas, string Options)
    {
        public string Creation
        {
            get
            {
                var members = Tables.Select(table => "TABLE " + table).Concat(Schemas.Select(schema => "TABLES IN SCHEMA " + schema)).ToList();
                return $"CREATE PUBLICATION {Name}{(members.Count == 0 ? "" : " FOR " + string.Join(", ", members))} WITH ({Options})";
            }
        }

        public override string ToString() =>
            $"{Name} ({FindingText.Count(Tables.Length, "table")}{(Schemas.Length == 0 ? "" : ", " + FindingText.Count(Schemas.Length, "schema"))})";
    }

    public string Id => nameof(LogicalReplication);

    public string Group => CheckGroup.Schema;

    public string Title => "Publications, subscriptions and logical slots";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        var publications = await source.ListAsync(
            PublicationsSql(await ServerVersions.MajorAsync(source, cancellationToken) >= ListsSince),
            row => new Publication(SqlName.Quote(row.GetString(0)), row.GetFieldValue<string[]>(1), row.GetFieldValue<string[]>(2), row.GetString(3)),
            cancellationToken);
        var slots = await source.ListAsync(SlotsSql, row => row.GetString(0), cancellationToken);
        var subscriptions = await source.ListAsync(SubscriptionsSql, row => SqlName.Quote(row.GetString(0)), cancellationToken);
        if (publications.Count + slots.Count + subscriptions.Count == 0)
        {
            return Finding.Pass("There are no publications of single tables, disabled subscriptions or logical replication slots.");
        }

        var creations = publications.ConvertAll(one => one.Creation);
        return Finding.Warning(
            "Not moved: " + FindingText.Several([
                .. publications.Select(one => $"publication {one}"),
                .. slots.Select(name => $"logical slot {name}"), .. subscriptions.Select(name => $"disabled subscription {name}"),
            ]) + ".",
            "Whoever follows the source by logical replication sees no more changes after the switch, and a slot that nobody reads any more keeps the source's WAL.",
            (creations.Count == 0 ? "" : $"-- on the target, before the switch:\n{FindingText.Statements(creations)}\n")
            + "-- after the switch: subscribe anew, from the target; the subscribers' tables hold the rows already (copy_data = false where nothing was written between)"
            + string.Concat(slots.Select(name => $"\n-- then on the source: SELECT pg_drop_replication_slot({SqlName.Literal(name)});")),
            [.. publications.Select(one => one.Name), .. slots, .. subscriptions]);
    }

    /// <summary>Those of all tables have a check of their own.</summary>
    private static string PublicationsSql(bool lists) =>
        $"""
        SELECT p.pubname,
               ARRAY(SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) {(lists ? ListsSql : "")} FROM pg_publication_rel r
                     JOIN pg_class c ON c.oid = r.prrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE r.prpubid = p.oid ORDER BY 1),
               {(lists ? SchemasSql : "ARRAY[]::text[]")},
               'publish = ''' || concat_ws(', ', CASE WHEN pubinsert THEN 'insert' END, CASE WHEN pubupdate THEN 'update' END, CASE WHEN pubdelete THEN 'delete' END, CASE WHEN pubtruncate THEN 'truncate' END)
               || '''' || CASE WHEN pubviaroot THEN ', publish_via_partition_root = true' ELSE '' END
        FROM pg_publication p WHERE NOT p.puballtables ORDER BY 1
        """;
}
