namespace HerokuMigrator.Readiness;

internal sealed class ForeignTables : IReadinessCheck
{
    public string Id => nameof(ForeignTables);

    public string Group => CheckGroup.Schema;

    public string Title => "Foreign tables";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        var found = await CatalogQuestions.RelationsAsync(source, "c.relkind = 'f'", cancellationToken);
        return found.Count == 0
            ? Finding.Pass("There are no foreign tables.")
            : Finding.Warning(
                $"{FindingText.Count(found.Count, "foreign table")}: {FindingText.Several(found)}.",
                "Only the definition is moved. The rows stay on the foreign server, which the target must be able to reach; passwords of user mappings are not moved.",
                "See to it that the target reaches the foreign servers, and set the passwords there after the start: ALTER USER MAPPING FOR … SERVER … OPTIONS (SET password …);",
                found);
    }
}
