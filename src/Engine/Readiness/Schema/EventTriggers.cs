using HerokuMigrator.Catalog;

namespace HerokuMigrator.Readiness;

internal sealed class EventTriggers : IReadinessCheck
{
    /// <summary>Without those of extensions, and of Heroku itself.</summary>
    private const string Sql = """
        SELECT t.evtname FROM pg_event_trigger t
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
        var triggers = await source.ListAsync(Sql, row => SqlName.Quote(row.GetString(0)), cancellationToken);
        return triggers.Count == 0
            ? Finding.Pass("There are no event triggers.")
            : FindingText.Note(
                $"{FindingText.Count(triggers.Count, "event trigger")}: {FindingText.Several(triggers)}.",
                "Only a superuser can make them: where the target's role is none they are left out, and said so.",
                triggers);
    }
}
