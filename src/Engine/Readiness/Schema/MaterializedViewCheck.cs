namespace HerokuMigrator.Readiness;

internal sealed class MaterializedViewCheck : IReadinessCheck
{
    public string Id => "MaterializedViews";

    public string Group => CheckGroup.Schema;

    public string Title => "Materialized views";

    public Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        var views = context.Catalog.MaterializedViews.Select(view => view.QualifiedName).ToList();
        return Task.FromResult(views.Count == 0
            ? Finding.Pass("There are no materialized views.")
            : FindingText.Note(
                $"{FindingText.Count(views.Count, "materialized view")}: {FindingText.Several(views)}.",
                "Their rows are not moved: they are refreshed on the target before and after the switch.",
                views));
    }
}
