using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>Asks for the status until it is as wanted.</summary>
internal static class StatusWait
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    public static async Task<SyncStatus> WaitForAsync(this Migrator migrator, Func<SyncStatus, bool> isWanted, CancellationToken cancellationToken)
    {
        var until = DateTimeOffset.UtcNow + Patience;
        while (true)
        {
            var status = await migrator.GetStatusAsync(cancellationToken);
            if (isWanted(status))
            {
                return status;
            }

            Assert.True(DateTimeOffset.UtcNow < until, $"{status}\n{string.Join('\n', status.Problems)}\n{string.Join('\n', status.SwitchReasons)}");
            await Task.Delay(200, cancellationToken);
        }
    }
}
