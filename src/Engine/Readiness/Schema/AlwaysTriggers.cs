namespace HerokuMigrator.Readiness;

internal sealed class AlwaysTriggers : IReadinessCheck
{
    private const string Condition = """
        c.relkind IN ('r', 'p', 'v')
        AND (EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgenabled IN ('A', 'R') AND NOT t.tgisinternal)
             OR EXISTS (SELECT FROM pg_rewrite w WHERE w.ev_class = c.oid AND w.ev_enabled IN ('A', 'R')))
        """;

    public string Id => nameof(AlwaysTriggers);

    public string Group => CheckGroup.Schema;

    public string Title => "Triggers and rules that fire during replication";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        var found = await CatalogQuestions.RelationsAsync(source, Condition, cancellationToken);
        return found.Count == 0
            ? Finding.Pass("No trigger or rule fires during replication.")
            : FindingText.Note(
                $"{FindingText.Count(found.Count, "table has", "tables have")} triggers or rules that are enabled ALWAYS or REPLICA: {FindingText.Several(found)}.",
                "They would fire at replicated rows too. On the target they are made disabled, and enabled during the switch.",
                found);
    }
}
