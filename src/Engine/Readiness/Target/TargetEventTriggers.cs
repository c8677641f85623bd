using System.Security.Cryptography;
using HerokuMigrator.Catalog;

namespace HerokuMigrator.Readiness;

internal sealed class TargetEventTriggers : IReadinessCheck
{
    private const string Sql = """
        SELECT t.evtname, t.evtevent FROM pg_event_trigger t
        WHERE t.evtenabled <> 'D' AND t.evtevent <> 'login'
          AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_event_trigger'::regclass AND e.objid = t.oid AND e.deptype = 'e')
        ORDER BY 1
        """;

    public string Id => nameof(TargetEventTriggers);

    public string Group => CheckGroup.Target;

    public string Title => "No event trigger of the target refuses the schema";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var target = await context.OpenTargetAsync(cancellationToken);
        var triggers = await target.ListAsync(Sql, row => (Name: SqlName.Quote(row.GetString(0)), Event: row.GetString(1)), cancellationToken);
        if (triggers.Count == 0)
        {
            return Finding.Pass("The target has no event triggers.");
        }

        if (!await target.ScalarAsync<bool>("SELECT NOT pg_is_in_recovery() AND has_database_privilege(current_database(), 'CREATE')", cancellationToken))
        {
            return Finding.Skipped("What they do is tried in a schema of its own, which cannot be made; see TargetIsPrimary and TargetCanCreate.");
        }

        var names = triggers.ConvertAll(trigger => trigger.Name);
        var refusal = await Probe.TryAsync(target, cancellationToken, Statements());
        return refusal is null
            ? FindingText.Note(
                $"{FindingText.Count(triggers.Count, "event trigger")} of the target: {FindingText.Several(triggers.ConvertAll(trigger => $"{trigger.Name} ({trigger.Event})"))}; schemas, tables, indexes and constraints can be made and dropped.",
                "They fire at what the migration makes, and may change it, or slow it by something of their own.",
                names)
            : Finding.Blocked(
                $"The target refuses what the migration makes, and has {FindingText.Count(triggers.Count, "event trigger")}: {refusal.MessageText}.",
                "The schema of the source could not be made on the target.",
                string.Join('\n', names.Select(name => $"ALTER EVENT TRIGGER {name} DISABLE; -- on the target, as a superuser, until the migration is completed")),
                names);
    }

    /// <summary>One of each kind of statement that the migration sends.</summary>
    private static string[] Statements()
    {
        var schema = "heroku_migrator_probe_" + RandomNumberGenerator.GetHexString(12, lowercase: true);
        return
        [
            $"CREATE SCHEMA {schema}",
            $"CREATE TABLE {schema}.parent (id integer)",
            $"CREATE TABLE {schema}.child (id integer, parent integer)",
            $"ALTER TABLE {schema}.parent ADD PRIMARY KEY (id)",
            $"CREATE INDEX child_parent ON {schema}.child (parent)",
            $"ALTER TABLE {schema}.child ADD FOREIGN KEY (parent) REFERENCES {schema}.parent",
            $"CREATE SEQUENCE {schema}.numbers",
            $"CREATE VIEW {schema}.both AS SELECT * FROM {schema}.child",
            $"CREATE FUNCTION {schema}.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
            $"CREATE TRIGGER nothing AFTER INSERT ON {schema}.child FOR EACH ROW EXECUTE FUNCTION {schema}.nothing()",
            $"COMMENT ON TABLE {schema}.child IS 'probe'",
            $"DROP SCHEMA {schema} CASCADE",
        ];
    }
}
