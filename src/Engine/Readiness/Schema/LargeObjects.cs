namespace HerokuMigrator.Readiness;

internal sealed class LargeObjects : IReadinessCheck
{
    public string Id => nameof(LargeObjects);

    public string Group => CheckGroup.Schema;

    public string Title => "Large objects";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        var count = await source.ScalarAsync<long>("SELECT count(*) FROM pg_largeobject_metadata", cancellationToken);
        return count == 0
            ? Finding.Pass("There are no large objects.")
            : Finding.Warning(
                $"The source holds {count} large object{(count == 1 ? "" : "s")}.",
                "They are not moved: no trigger can capture their changes.",
                "Move their content into bytea columns before the start, or carry them over by hand while the application stands still.");
    }
}
