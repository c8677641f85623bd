namespace HerokuMigrator.Readiness;

internal sealed class Inheritance : IReadinessCheck
{
    public string Id => nameof(Inheritance);

    public string Group => CheckGroup.Schema;

    public string Title => "Tables that others inherit from";

    public Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        var parents = context.Catalog.Tables.Where(table => table.HasInheritors).Select(table => table.QualifiedName).ToList();
        return Task.FromResult(parents.Count == 0
            ? Finding.Pass("No table inherits from another.")
            : FindingText.Note(
                $"Other tables inherit from {FindingText.Count(parents.Count, "table")}: {FindingText.Several(parents)}.",
                "The rows of such a table itself are copied whole; see TablesCopiedWhole. Its heirs are moved as tables of their own.",
                parents));
    }
}
