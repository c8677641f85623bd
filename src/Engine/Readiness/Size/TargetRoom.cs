namespace HerokuMigrator.Readiness;

internal sealed class TargetRoom : IReadinessCheck
{
    /// <summary>No plan that is sold has less room than twice this.</summary>
    private const long AnyPlan = 100L << 20;

    public string Id => nameof(TargetRoom);

    public string Group => CheckGroup.Size;

    public string Title => "The target's disk has room for all of it";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        var bytes = await source.ScalarAsync<long>("SELECT pg_database_size(current_database())", cancellationToken);
        if (bytes <= AnyPlan)
        {
            return Finding.Pass($"The source takes {FindingText.Bytes(bytes)}, which any disk has room for twice.");
        }

        await using var target = await context.OpenTargetAsync(cancellationToken);
        var database = await CatalogQuestions.DatabaseAsync(target, cancellationToken);
        return FindingText.Note(
            $"The target should have {FindingText.Bytes(2 * bytes)} free: the source takes {FindingText.Bytes(bytes)}, and as much again may be needed while it is filled. How much room it has cannot be asked for by SQL: see the provider's pages.",
            "The target gets the same rows and indexes, without what is dead in them. While it is filled its write-ahead log and the files that indexes are sorted in take room beside them, for a while as much again. A full disk ends the copy; the tables that are copied by then stay.",
            [database]);
    }
}
