namespace HerokuMigrator.Readiness;

internal sealed class TargetConnections : IReadinessCheck
{
    public string Id => nameof(TargetConnections);

    public string Group => CheckGroup.Target;

    public string Title => "The target has room for the migration's connections";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        if (context.OwnMigrationId is not null)
        {
            return Finding.Skipped("The migration was begun already and has its connections.");
        }

        await using var target = await context.OpenTargetAsync(cancellationToken);
        return await ConnectionRoom.InspectAsync("target", target, cancellationToken);
    }
}
