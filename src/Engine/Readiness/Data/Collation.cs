using HerokuMigrator.Catalog;

namespace HerokuMigrator.Readiness;

internal sealed class Collation : IReadinessCheck
{
    public string Id => nameof(Collation);

    public string Group => CheckGroup.Data;

    public string Title => "Both databases sort text in the same way";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        var (from, to) = await DatabaseLocale.OnceAsync(context, cancellationToken);
        if (from.SortsLike(to))
        {
            return Finding.Pass($"Both databases sort by {from}.");
        }

        await using var target = await context.OpenTargetAsync(cancellationToken);
        var database = await CatalogQuestions.DatabaseAsync(target, cancellationToken);
        return Finding.Warning(
            $"The source sorts text by {from}, the target by {to}.",
            "ORDER BY, comparisons of text, upper() and lower() may give other results after the switch. What of the schema rests on them CollationDependents tells.",
            from.CreateAnew(database, SqlName.Quote(to.Owner)) + "\n-- or make sure that the application does not depend on the order",
            [database]);
    }
}
