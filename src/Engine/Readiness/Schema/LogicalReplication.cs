using HerokuMigrator.Catalog;

namespace HerokuMigrator.Readiness;

internal sealed class LogicalReplication : IReadinessCheck
{
    /// <summary>Those of all tables have a check of their own.</summary>
    private const string PublicationsSql = """
        SELECT p.pubname,
               ARRAY(SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) FROM pg_publication_rel r
                     JOIN pg_class c ON c.oid = r.prrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE r.prpubid = p.oid ORDER BY 1),
               concat_ws(', ', CASE WHEN pubinsert THEN 'insert' END, CASE WHEN pubupdate THEN 'update' END, CASE WHEN pubdelete THEN 'delete' END, CASE WHEN pubtruncate THEN 'truncate' END)
        FROM pg_publication p WHERE NOT p.puballtables ORDER BY 1
        """;

    private const string SlotsSql = "SELECT slot_name FROM pg_replication_slots WHERE slot_type = 'logical' AND database = current_database() ORDER BY 1";

    private const string SubscriptionsSql =
        "SELECT subname FROM pg_subscription WHERE NOT subenabled AND subdbid = (SELECT oid FROM pg_database WHERE datname = current_database()) ORDER BY 1";

    public string Id => nameof(LogicalReplication);

    public string Group => CheckGroup.Schema;

    public string Title => "Publications, subscriptions and logical slots";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        var publications = await source.ListAsync(
            PublicationsSql, row => (Name: SqlName.Quote(row.GetString(0)), Tables: row.GetFieldValue<string[]>(1), Publish: row.GetString(2)), cancellationToken);
        var slots = await source.ListAsync(SlotsSql, row => row.GetString(0), cancellationToken);
        var subscriptions = await source.ListAsync(SubscriptionsSql, row => SqlName.Quote(row.GetString(0)), cancellationToken);
        if (publications.Count + slots.Count + subscriptions.Count == 0)
        {
            return Finding.Pass("There are no publications of single tables, disabled subscriptions or logical replication slots.");
        }

        var creations = publications.Select(one => $"CREATE PUBLICATION {one.Name}{(one.Tables.Length == 0 ? "" : " FOR TABLE " + string.Join(", ", one.Tables))} WITH (publish = '{one.Publish}')").ToList();
        return Finding.Warning(
            "Not moved: " + FindingText.Several([
                .. publications.Select(one => $"publication {one.Name} ({FindingText.Count(one.Tables.Length, "table")})"),
                .. slots.Select(name => $"logical slot {name}"), .. subscriptions.Select(name => $"disabled subscription {name}"),
            ]) + ".",
            "Whoever follows the source by logical replication sees no more changes after the switch, and a slot that nobody reads any more keeps the source's WAL.",
            (creations.Count == 0 ? "" : $"-- on the target, before the switch:\n{FindingText.Statements(creations)}\n")
            + "-- after the switch: subscribe anew, from the target; the subscribers' tables hold the rows already (copy_data = false where nothing was written between)"
            + string.Concat(slots.Select(name => $"\n-- then on the source: SELECT pg_drop_replication_slot({SqlName.Literal(name)});")),
            [.. publications.Select(one => one.Name), .. slots, .. subscriptions]);
    }
}
