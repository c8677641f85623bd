namespace HerokuMigrator.Readiness;

internal sealed class SourceConnections : IReadinessCheck
{
    public string Id => nameof(SourceConnections);

    public string Group => CheckGroup.Load;

    public string Title => "The source has room for the migration's connections";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        if (context.OwnMigrationId is not null)
        {
            return Finding.Skipped("The migration was begun already and has its connections.");
        }

        await using var source = await context.OpenSourceAsync(cancellationToken);
        return await ConnectionRoom.InspectAsync("source", source, cancellationToken);
    }
}
