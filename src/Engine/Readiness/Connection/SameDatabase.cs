using HerokuMigrator.Connections;

namespace HerokuMigrator.Readiness;

internal sealed class SameDatabase : IReadinessCheck
{
    public string Id => nameof(SameDatabase);

    public string Group => CheckGroup.Connection;

    public string Title => "Source and target are two databases";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        await using var target = await context.OpenTargetAsync(cancellationToken);
        return await DatabaseIdentity.IsSameDatabaseAsync(source, target, cancellationToken)
            ? FindingText.Blocked(
                Errors.SameDatabase(context.Session.SourceSettings.Address, context.Session.TargetSettings.Address),
                "A database cannot be moved onto itself.")
            : Finding.Pass("Source and target are two databases.");
    }
}
