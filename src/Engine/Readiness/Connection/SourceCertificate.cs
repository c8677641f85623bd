namespace HerokuMigrator.Readiness;

internal sealed class SourceCertificate : IReadinessCheck
{
    public string Id => nameof(SourceCertificate);

    public string Group => CheckGroup.Connection;

    public string Title => "The certificate of the source is valid";

    public Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken) =>
        CertificateOfServer.InspectAsync("source", "HEROKU_URL", context.Session.SourceSettings, cancellationToken);
}
