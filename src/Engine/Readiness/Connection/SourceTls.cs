namespace HerokuMigrator.Readiness;

internal sealed class SourceTls : IReadinessCheck
{
    public string Id => nameof(SourceTls);

    public string Group => CheckGroup.Connection;

    public string Title => "The connection to the source is encrypted";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        return await TlsOfSession.InspectAsync("HEROKU_URL", context.Session.SourceSettings, source, cancellationToken);
    }
}
