namespace HerokuMigrator.Readiness;

internal sealed class TargetTls : IReadinessCheck
{
    public string Id => nameof(TargetTls);

    public string Group => CheckGroup.Connection;

    public string Title => "The connection to the target is encrypted";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var target = await context.OpenTargetAsync(cancellationToken);
        return await TlsOfSession.InspectAsync("PLANETSCALE_URL", context.Session.TargetSettings, target, cancellationToken);
    }
}
