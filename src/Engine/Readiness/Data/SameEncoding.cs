namespace HerokuMigrator.Readiness;

internal sealed class SameEncoding : IReadinessCheck
{
    public string Id => nameof(SameEncoding);

    public string Group => CheckGroup.Data;

    public string Title => "Both databases have the same encoding";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        const string sql = "SELECT pg_encoding_to_char(encoding)::text FROM pg_database WHERE datname = current_database()";
        await using var source = await context.OpenSourceAsync(cancellationToken);
        await using var target = await context.OpenTargetAsync(cancellationToken);
        var (from, to) = (await source.ScalarAsync<string>(sql, cancellationToken), await target.ScalarAsync<string>(sql, cancellationToken));
        return from == to
            ? Finding.Pass($"Both databases are encoded in {from}.")
            : Finding.Blocked(
                $"The source is encoded in {from}, the target in {to}.",
                "Text that the target's encoding does not have would end the copy, and the contents could not be compared.",
                $"Create the target database anew: CREATE DATABASE … ENCODING '{from}' TEMPLATE template0;",
                [await CatalogQuestions.DatabaseAsync(target, cancellationToken)]);
    }
}
