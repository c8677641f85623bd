namespace HerokuMigrator.Readiness;

internal sealed class MaterializedViewCheck : IReadinessCheck
{
    public string Id => "MaterializedViews";

    public string Group => CheckGroup.Schema;

    public string Title => "Materialized views";

    public Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        var views = context.Catalog.MaterializedViews;
        if (views.Count == 0)
        {
            return Task.FromResult(Finding.Pass("There are no materialized views."));
        }

        var empty = views.Where(view => !view.Populated).Select(view => view.QualifiedName).ToList();
        return Task.FromResult(FindingText.Note(
            $"{FindingText.Count(views.Count, "materialized view")}: {FindingText.Several([.. views.Select(view => view.QualifiedName)])}."
            + (empty.Count == 0 ? "" : $" Not filled on the source, and left so: {FindingText.Several(empty)}."),
            "Their rows are not moved. They are refreshed on the target during the start and after the switch, those that others are built on first; until a refresh is done they show what the last one saw. One that cannot be refreshed is told in a warning, and ends nothing.",
            [.. views.Select(view => view.QualifiedName)]));
    }
}
