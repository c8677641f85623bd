using HerokuMigrator.Catalog;

namespace HerokuMigrator.Readiness;

internal sealed class SameEncoding : IReadinessCheck
{
    public string Id => nameof(SameEncoding);

    public string Group => CheckGroup.Data;

    public string Title => "Both databases have the same encoding";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        var (from, to) = await DatabaseLocale.OnceAsync(context, cancellationToken);
        if (from.Encoding == to.Encoding)
        {
            return Finding.Pass($"Both databases are encoded in {from.Encoding}.");
        }

        await using var target = await context.OpenTargetAsync(cancellationToken);
        var database = await CatalogQuestions.DatabaseAsync(target, cancellationToken);
        return Finding.Blocked(
            $"The source is encoded in {from.Encoding}, the target in {to.Encoding}.",
            "Text that the target's encoding does not have would end the copy, and the contents could not be compared.",
            from.CreateAnew(database, SqlName.Quote(to.Owner)),
            [database]);
    }
}
