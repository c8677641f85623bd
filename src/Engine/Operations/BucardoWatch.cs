using HerokuMigrator.Bucardo;
using HerokuMigrator.State;

namespace HerokuMigrator.Operations;

/// <summary>
/// Looks whether Bucardo replays, tells what keeps it from that, once each, and restarts it where it does not come back by itself:
/// at once the first time, then with longer and longer pauses as long as that does not help.
/// </summary>
internal sealed class BucardoWatch(MigrationSession session)
{
    /// <summary>A run each second is the rule, and one that fails is tried again after ten; after this long without either it has lost a database, or its way.</summary>
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(20);

    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(2);

    private readonly LastingTrouble _told = new(session, "bucardo", "Bucardo replays again.");

    private TimeSpan _pause;
    private DateTimeOffset _notBefore;

    /// <param name="isReplicating">Asked under the operator lock: an operator may be suspending or switching at this moment.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task LookAsync(Func<Task<bool>> isReplicating, CancellationToken cancellationToken)
    {
        var (trouble, isLost) = await DiagnoseAsync(cancellationToken);
        await _told.TellAsync(trouble, cancellationToken);
        if (trouble.Length == 0)
        {
            _pause = TimeSpan.Zero;
        }

        if (!isLost || DateTimeOffset.UtcNow < _notBefore)
        {
            return;
        }

        await using var operatorLock = await OperatorLock.TakeAsync(session, cancellationToken);
        if (!await isReplicating() || !(await DiagnoseAsync(cancellationToken)).IsLost)
        {
            return;
        }

        session.Events.Warning($"{trouble} It is being restarted.");
        _pause = _pause == TimeSpan.Zero ? FirstPause : TimeSpan.FromTicks(Math.Min(LongestPause.Ticks, 2 * _pause.Ticks));
        try
        {
            await session.Daemon.StopAsync(cancellationToken);
            await new Replication(session).EnsureRunningAsync(await session.Store.ReadReplayedAsync(cancellationToken), cancellationToken);
        }
        finally
        {
            // What is new has its own time to begin.
            _notBefore = DateTimeOffset.UtcNow + (_pause > Quiet ? _pause : Quiet);
        }
    }

    /// <returns>What is wrong, in a sentence, empty where nothing is; and whether it will not come back by itself.</returns>
    private async Task<(string Trouble, bool IsLost)> DiagnoseAsync(CancellationToken cancellationToken)
    {
        if (!await session.Cluster.IsRunningAsync(cancellationToken))
        {
            return ("Bucardo's control database does not run.", true);
        }

        if (!session.Daemon.IsRunning)
        {
            return ($"Bucardo has ended{Because(await session.Daemon.ReadLastFaultAsync(cancellationToken))}.", true);
        }

        var runs = await SyncRuns.ReadAsync(session.Cluster.DataSource, cancellationToken);
        var silentSince = new[] { runs.FaultAt, runs.LastGood }.Max() ?? DateTimeOffset.UtcNow;
        var isSilent = !runs.UnderWay && DateTimeOffset.UtcNow - silentSince > Quiet;
        return runs switch
        {
            { SetAside: true } => ($"Bucardo has lost a database, and has set the sync aside{Because(runs.Fault ?? await session.Daemon.ReadLastFaultAsync(cancellationToken))}.", true),
            { Fault: { } fault } => ($"Runs of the sync fail: {fault}.", isSilent),
            _ when isSilent => ($"No run of the sync has ended since {silentSince.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC{Because(await session.Daemon.ReadLastFaultAsync(cancellationToken))}.", true),
            _ => ("", false),
        };
    }

    private static string Because(string? fault) => fault is null ? "" : ": " + fault;
}
