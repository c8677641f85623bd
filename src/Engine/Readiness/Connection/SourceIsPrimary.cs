namespace HerokuMigrator.Readiness;

internal sealed class SourceIsPrimary : IReadinessCheck
{
    public string Id => nameof(SourceIsPrimary);

    public string Group => CheckGroup.Connection;

    public string Title => "The source can be written";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        return await source.ScalarAsync<bool>("SELECT pg_is_in_recovery()", cancellationToken)
            ? Finding.Blocked(
                "The source is a follower: it can only be read.",
                "Changes are captured by triggers, which exist on the primary only.",
                "Give the primary's URL as -SourceUrl or HEROKU_URL (heroku pg:info names it under \"Following\").")
            : Finding.Pass("The source is a primary.");
    }
}
