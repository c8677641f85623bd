namespace HerokuMigrator.Readiness;

internal sealed class GeneratedAndIdentity : IReadinessCheck
{
    public string Id => nameof(GeneratedAndIdentity);

    public string Group => CheckGroup.Schema;

    public string Title => "Generated and identity columns";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        var generated = context.Catalog.Tables.Where(table => table.Columns.Any(column => column.Generated)).Select(table => table.QualifiedName).ToList();
        await using var source = await context.OpenSourceAsync(cancellationToken);
        var identity = await CatalogQuestions.RelationsAsync(
            source, "c.relkind IN ('r', 'p') AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attidentity <> '' AND NOT a.attisdropped)", cancellationToken);
        return generated.Count + identity.Count == 0
            ? Finding.Pass("There are no generated or identity columns.")
            : FindingText.Note(
                $"{FindingText.Count(generated.Count, "table has", "tables have")} generated columns, {FindingText.Count(identity.Count, "table has", "tables have")} identity columns: {FindingText.Several([.. generated.Union(identity).Order(StringComparer.Ordinal)])}.",
                "Generated columns are computed by the target; the values of identity columns are carried, and their sequences set during the switch.",
                [.. generated.Union(identity).Order(StringComparer.Ordinal)]);
    }
}
