using System.Diagnostics;
using System.Security.Cryptography;
using HerokuMigrator.Bucardo;
using HerokuMigrator.Capture;
using HerokuMigrator.Catalog;
using HerokuMigrator.Copy;
using HerokuMigrator.Operations;
using Npgsql;

namespace HerokuMigrator.Cutover;

/// <summary>
/// Waits until all that was captured up to now is on the target, and proves it: a sentinel row written now arrives there,
/// so a run that saw everything before it was applied in one transaction.
/// </summary>
internal sealed class Drain(MigrationSession session, IReadOnlyList<TableInfo> replayed)
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(15);
    private static readonly TimeSpan KickEvery = TimeSpan.FromMilliseconds(400);
    private static readonly TimeSpan LookForFaultsEvery = TimeSpan.FromSeconds(2);

    /// <summary>Rounds without the daemon before the fence: each applies what came during the one before.</summary>
    private const int Rounds = 5;

    /// <summary>A round that took no longer left as little as there can be.</summary>
    private static readonly TimeSpan ShortRound = TimeSpan.FromMilliseconds(300);

    /// <summary>
    /// Ends the daemon, and applies what is pending without it, so that neither is a part of the write pause: before the fence, when both sides are near each other.
    /// </summary>
    public async Task GoOnWithoutDaemonAsync(CancellationToken cancellationToken)
    {
        await using (var target = await session.OpenTargetAsync(cancellationToken))
        {
            await EndDaemonAsync(target, cancellationToken);
        }

        var clock = Stopwatch.StartNew();
        for (var round = 0; round < Rounds && await new CatchUp(session).DrainAsync(replayed, cancellationToken) && clock.Elapsed > ShortRound; round++)
        {
            clock.Restart();
        }
    }

    /// <summary>The sentinel's way without the daemon: for under the fence, where nothing can be captured any more. Null where Bucardo must do it.</summary>
    public async Task<TimeSpan?> TryPassSentinelWithoutDaemonAsync(CancellationToken cancellationToken)
    {
        await using var source = await session.OpenSourceAsync(cancellationToken);
        await using var target = await session.OpenTargetAsync(cancellationToken);
        var clock = Stopwatch.StartNew();
        // A run that was killed may have left it.
        await EndDaemonAsync(target, cancellationToken);
        var mark = await WriteSentinelAsync(source, cancellationToken);
        if (!await new CatchUp(session).DrainAsync(replayed, cancellationToken) || await ReadSentinelAsync(target, cancellationToken) != mark)
        {
            return null;
        }

        // A process that it had made in the moment of its end may have read what is applied now; it must not commit later, over what the application writes then.
        await EndDaemonAsync(target, cancellationToken);
        return clock.Elapsed;
    }

    /// <summary>With its sessions: what one was about to commit is undone. The role is ours, so no right is needed for it.</summary>
    private async Task EndDaemonAsync(NpgsqlConnection target, CancellationToken cancellationToken)
    {
        await session.Daemon.KillAsync(cancellationToken);
        while ((await target.ListAsync(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND usename = current_user AND application_name ILIKE 'bucardo%'",
            row => row.GetBoolean(0), cancellationToken)).Count > 0)
        {
            await Task.Delay(Poll, cancellationToken);
        }
    }

    /// <summary>Returns the time from the sentinel's commit on the source to its sight on the target, or null where the time ran out.</summary>
    public async Task<TimeSpan?> PassSentinelAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        await using var source = await session.OpenSourceAsync(cancellationToken);
        await using var target = await session.OpenTargetAsync(cancellationToken);
        var mark = await WriteSentinelAsync(source, cancellationToken);
        var clock = Stopwatch.StartNew();
        var kicked = TimeSpan.MinValue;
        var looked = TimeSpan.Zero;
        var mendedAt = DateTimeOffset.UtcNow;
        while (await ReadSentinelAsync(target, cancellationToken) != mark)
        {
            if (clock.Elapsed >= timeout)
            {
                return null;
            }

            if (!session.Daemon.IsRunning)
            {
                throw Errors.DaemonFailed("the daemon ended while changes were being drained", session.Daemon.LogFile);
            }

            if (clock.Elapsed - looked >= LookForFaultsEvery)
            {
                mendedAt = await MendAsync(mendedAt, cancellationToken) ? DateTimeOffset.UtcNow : mendedAt;
                looked = clock.Elapsed;
            }

            if (kicked == TimeSpan.MinValue || clock.Elapsed - kicked >= KickEvery)
            {
                kicked = clock.Elapsed;
                await session.Daemon.KickAsync(cancellationToken);
            }

            await Task.Delay(Poll, cancellationToken);
        }

        return clock.Elapsed;
    }

    private static async Task<string> WriteSentinelAsync(NpgsqlConnection source, CancellationToken cancellationToken)
    {
        var mark = RandomNumberGenerator.GetHexString(32);
        await source.ExecuteAsync(
            "INSERT INTO heroku_migrator.sentinel (id, mark) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET mark = excluded.mark", cancellationToken, mark);
        return mark;
    }

    private static Task<string?> ReadSentinelAsync(NpgsqlConnection target, CancellationToken cancellationToken) =>
        target.ScalarAsync<string>("SELECT mark FROM heroku_migrator.sentinel WHERE id = 1", cancellationToken);

    /// <summary>
    /// A run fails for ever where a unique value has passed from a row whose key cannot be carried to another row: the first one's change is not among the captured.
    /// Copying those tables again brings both.
    /// </summary>
    private async Task<bool> MendAsync(DateTimeOffset since, CancellationToken cancellationToken) =>
        await SyncRuns.ReadAsync(session.Cluster.DataSource, cancellationToken) is { Fault: { } fault, FaultAt: { } at } && at > since
        && await new StaleTables(session).MendAsync(fault, replayed, cancellationToken);

    /// <summary>Waits until no captured change is without its mark; false where the time ran out. Only under the fence does it stay so.</summary>
    public async Task<bool> WaitUntilNothingPendingAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        await using var source = await session.OpenSourceAsync(cancellationToken);
        var backlog = new DeltaBacklog(replayed);
        var clock = Stopwatch.StartNew();
        while (!await backlog.IsEmptyAsync(source, cancellationToken))
        {
            if (clock.Elapsed >= timeout)
            {
                return false;
            }

            await Task.Delay(Poll, cancellationToken);
        }

        return true;
    }
}
