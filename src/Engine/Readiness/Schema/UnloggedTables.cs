namespace HerokuMigrator.Readiness;

internal sealed class UnloggedTables : IReadinessCheck
{
    public string Id => nameof(UnloggedTables);

    public string Group => CheckGroup.Schema;

    public string Title => "Unlogged tables";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        var found = await CatalogQuestions.RelationsAsync(source, "c.relpersistence = 'u' AND c.relkind = 'r'", cancellationToken);
        return found.Count == 0
            ? Finding.Pass("There are no unlogged tables.")
            : FindingText.Note(
                $"{FindingText.Count(found.Count, "table is", "tables are")} unlogged: {FindingText.Several(found)}.",
                "They are moved as they are. A crash or failover empties them, on the source while the migration runs as well as on the target.",
                found);
    }
}
