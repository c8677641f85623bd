namespace HerokuMigrator.Readiness;

internal sealed class TargetIsPrimary : IReadinessCheck
{
    public string Id => nameof(TargetIsPrimary);

    public string Group => CheckGroup.Connection;

    public string Title => "The target can be written";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var target = await context.OpenTargetAsync(cancellationToken);
        return await target.ScalarAsync<bool>("SELECT pg_is_in_recovery()", cancellationToken)
            ? Finding.Blocked(
                "The target is a replica: it can only be read.",
                "The rows could not be written there.",
                "Give the primary's URL as -TargetUrl or PLANETSCALE_URL (on PlanetScale: the user name without \"|replica\").")
            : Finding.Pass("The target is a primary.");
    }
}
