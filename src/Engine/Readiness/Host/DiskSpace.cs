namespace HerokuMigrator.Readiness;

internal sealed class DiskSpace : IReadinessCheck
{
    private const long Enough = 1L << 30;

    public string Id => nameof(DiskSpace);

    public string Group => CheckGroup.Host;

    public string Title => "This machine has room for the migration's home";

    public Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        var folder = context.Session.Home.Folder;
        var free = new DriveInfo(HomeUsable.ExistingParent(folder)).AvailableFreeSpace;
        return Task.FromResult(free >= Enough
            ? Finding.Pass($"{FindingText.Bytes(free)} are free for {folder}; rows do not pass through it.")
            : Finding.Warning(
                $"{FindingText.Bytes(free)} are free for {folder}.",
                $"Bucardo's control database and the logs need up to {FindingText.Bytes(Enough)}; without room the replication stops.",
                "Free some space there, or set XDG_STATE_HOME to a folder with more."));
    }
}
