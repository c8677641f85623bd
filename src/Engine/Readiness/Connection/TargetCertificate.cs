namespace HerokuMigrator.Readiness;

internal sealed class TargetCertificate : IReadinessCheck
{
    public string Id => nameof(TargetCertificate);

    public string Group => CheckGroup.Connection;

    public string Title => "The certificate of the target is valid";

    public Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken) =>
        CertificateOfServer.InspectAsync("target", "PLANETSCALE_URL", context.Session.TargetSettings, cancellationToken);
}
