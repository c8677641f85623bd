using HerokuMigrator.Catalog;

namespace HerokuMigrator.Readiness;

internal sealed class EventTriggers : IReadinessCheck
{
    /// <summary>Without those of extensions, and of Heroku itself.</summary>
    private const string Sql = """
        SELECT t.evtname, t.evtevent, t.evttags, quote_ident(n.nspname) || '.' || quote_ident(p.proname), t.evtenabled::text FROM pg_event_trigger t
        JOIN pg_proc p ON p.oid = t.evtfoid JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname <> '_heroku'
          AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_event_trigger'::regclass AND e.objid = t.oid AND e.deptype = 'e')
        ORDER BY 1
        """;

    public string Id => nameof(EventTriggers);

    public string Group => CheckGroup.Schema;

    public string Title => "Event triggers";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        var triggers = await source.ListAsync(
            Sql,
            row => (Name: SqlName.Quote(row.GetString(0)), Event: row.GetString(1), Tags: row.IsDBNull(2) ? [] : row.GetFieldValue<string[]>(2), Function: row.GetString(3), Enabled: row.GetString(4)),
            cancellationToken);
        if (triggers.Count == 0)
        {
            return Finding.Pass("There are no event triggers.");
        }

        await using var target = await context.OpenTargetAsync(cancellationToken);
        var text = $"{FindingText.Count(triggers.Count, "event trigger")}: {FindingText.Several(triggers.ConvertAll(one => one.Name))}.";
        return await target.ScalarAsync<bool>("SELECT rolsuper FROM pg_roles WHERE rolname = current_user", cancellationToken)
            ? FindingText.Note(text, "They are made under the fence, so that they do not fire at the migration's own statements.", triggers.ConvertAll(one => one.Name))
            : Finding.Warning(
                text,
                "Only a superuser can make them. Where the target refuses them to its role, they are left out, and a warning of the switch says so.",
                "-- on the target, as a superuser, after the switch (the functions are there by then); or let them go, where they only served the source's platform:\n"
                + FindingText.Statements(triggers.SelectMany(Definition)),
                triggers.ConvertAll(one => one.Name));
    }

    private static IEnumerable<string> Definition((string Name, string Event, string[] Tags, string Function, string Enabled) trigger)
    {
        var tags = trigger.Tags.Length == 0 ? "" : $" WHEN TAG IN ({string.Join(", ", trigger.Tags.Select(SqlName.Literal))})";
        yield return $"CREATE EVENT TRIGGER {trigger.Name} ON {trigger.Event}{tags} EXECUTE FUNCTION {trigger.Function}()";
        if (trigger.Enabled is not "O")
        {
            yield return $"ALTER EVENT TRIGGER {trigger.Name} {trigger.Enabled switch { "D" => "DISABLE", "A" => "ENABLE ALWAYS", _ => "ENABLE REPLICA" }}";
        }
    }
}
