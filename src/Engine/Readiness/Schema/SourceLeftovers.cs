using HerokuMigrator.Capture;

namespace HerokuMigrator.Readiness;

internal sealed class SourceLeftovers : IReadinessCheck
{
    private const string Reason = "Bucardo knows one schema of that name only; two that share it would lose each other's changes.";

    public string Id => nameof(SourceLeftovers);

    public string Group => CheckGroup.Schema;

    public string Title => "The source carries no other replication's objects";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        foreach (var (schema, marker) in await CaptureInstaller.ReadMarkersAsync(source, cancellationToken))
        {
            if (marker is null || !marker.StartsWith(CaptureInstaller.MarkerPrefix, StringComparison.Ordinal))
            {
                return FindingText.Blocked(Errors.ForeignBucardo(schema), Reason) with
                {
                    Objects = [schema], Remedy = $"DROP SCHEMA {schema} CASCADE; -- on the source, where nothing uses it any more",
                };
            }

            if (marker[CaptureInstaller.MarkerPrefix.Length..] is var id && id != context.OwnMigrationId)
            {
                return FindingText.Blocked(Errors.OtherMigrationOnSource(id), Reason) with { Objects = [schema] };
            }
        }

        return Finding.Pass(context.OwnMigrationId is null ? "The source carries no capture objects." : "The source carries no capture objects but those of this migration.");
    }
}
