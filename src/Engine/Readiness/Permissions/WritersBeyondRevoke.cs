using HerokuMigrator.Cutover;

namespace HerokuMigrator.Readiness;

internal sealed class WritersBeyondRevoke : IReadinessCheck
{
    public string Id => nameof(WritersBeyondRevoke);

    public string Group => CheckGroup.Permissions;

    public string Title => "The fence can hold back every writer";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        var obstacles = await PrivilegeReader.FindObstaclesAsync(source, cancellationToken);
        return obstacles.Count == 0
            ? Finding.Pass("Every writer on the source can be held back, and every privilege restored.")
            : Finding.Warning(
                $"{FindingText.Count(obstacles.Count, "thing stands", "things stand")} in the way of the fence: {FindingText.Several(obstacles)}.",
                "The switch refuses as long as someone could write past the fence, or a privilege could not be restored. The migration may start before that is mended.",
                "Before the switch: REVOKE pg_write_all_data from the roles named, GRANT the grantors named to the migrating role, and end the prepared transactions named.");
    }
}
