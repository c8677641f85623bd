using System.Globalization;
using HerokuMigrator.Capture;
using HerokuMigrator.Processes;
using HerokuMigrator.State;
using HerokuMigrator.Bucardo;
using HerokuMigrator.Catalog;
using Npgsql;

namespace HerokuMigrator.Operations;

/// <summary>
/// The process that does a start that was handed over, and watches over replication after it: restarts a daemon that died, follows new partitions, analyses and purges the delta tables.
/// It changes nothing that an operator decides, so it needs no operator lock; it leaves by itself once the phase is another.
/// </summary>
internal static class Worker
{
    private static readonly TimeSpan Beat = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Upkeep = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan BetweenMends = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan BetweenAdoptions = TimeSpan.FromSeconds(20);

    /// <summary>The system tells a process's start only roughly, and the file is written right after it.</summary>
    private static readonly TimeSpan ClockTolerance = TimeSpan.FromSeconds(2);

    /// <summary>Starts it apart from the terminal, unless it runs already or the face knows no command for it; returns its process id where it was started.</summary>
    public static async Task<int?> LaunchAsync(MigrationSession session, CancellationToken cancellationToken)
    {
        if (session.Options.Worker is not { } command || RunningPid(session.Home) is not null)
        {
            return null;
        }

        // Made here, so that nobody else can read it.
        await using (new FileStream(session.Home.WorkerLogFile, new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.Write, Share = FileShare.ReadWrite, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite }))
        {
        }

        // A session of its own: closing the terminal, or Ctrl-C in it, does not reach the worker.
        var pid = await session.Runner.StartDetachedAsync("setsid", [command.FileName, .. command.Arguments], session.Home.WorkerLogFile, cancellationToken);
        // Not left to the worker: it takes a while to come up, and a suspend or a stop that comes sooner must find it.
        await File.WriteAllTextAsync(session.Home.WorkerPidFile, pid.ToString(CultureInfo.InvariantCulture), CancellationToken.None);
        return pid;
    }

    /// <summary>A worker was started on this machine, and did not end of its own accord.</summary>
    public static bool HasDied(MigrationHome home) => File.Exists(home.WorkerPidFile) && RunningPid(home) is null;

    public static bool IsThis(MigrationHome home) => RunningPid(home) == Environment.ProcessId;

    /// <summary>
    /// Ends this machine's worker, and what it runs, wherever it is: asked first, then killed. When this returns, its sessions on both servers are gone too,
    /// so that neither its lock nor its copies are in the way.
    /// </summary>
    public static async Task EndAsync(MigrationSession session, CancellationToken cancellationToken)
    {
        var pids = new HashSet<int>();
        if (RunningPid(session.Home) is { } watching)
        {
            pids.Add(watching);
        }

        // The state knows it also where the home was deleted.
        if (await FindStartingAsync(session, cancellationToken) is { Pid: { } starting })
        {
            pids.Add(starting);
        }

        pids.Remove(Environment.ProcessId);
        foreach (var pid in pids)
        {
            await WorkerEnd.RunAsync(session, pid, cancellationToken);
        }
    }

    private static async Task<HandOver?> FindStartingAsync(MigrationSession session, CancellationToken cancellationToken)
    {
        try
        {
            await using var target = await session.OpenTargetAsync(cancellationToken);
            return await HandOverStore.ReadAsync(target, cancellationToken) is { Open: { IsHere: true, IsAlive: true } open } ? open : null;
        }
        catch (Exception exception) when (exception is NpgsqlException or MigrationException)
        {
            // A target that is given up; the home's own record serves then.
            return null;
        }
    }

    public static async Task WatchAsync(MigrationSession session, CancellationToken cancellationToken)
    {
        if (!session.Home.Exists)
        {
            // The migration ended while this process was starting.
            return;
        }

        await MigrationHome.WritePrivateAsync(session.Home.WorkerPidFile, Environment.ProcessId.ToString(CultureInfo.InvariantCulture), cancellationToken);
        try
        {
            var sampler = new ReplicationSampler(session);
            await using var comparison = new BackgroundComparison(session);
            var drift = new DriftWatch(session);
            var bucardo = new BucardoWatch(session);
            var lastUpkeep = DateTimeOffset.MinValue;
            var lastMend = DateTimeOffset.MinValue;
            var lastAdoption = DateTimeOffset.MinValue;
            // Another worker may have been named meanwhile: one is enough.
            while (RunningPid(session.Home) == Environment.ProcessId && await IsReplicatingAsync(session, cancellationToken))
            {
                try
                {
                    await bucardo.LookAsync(() => IsReplicatingAsync(session, cancellationToken), cancellationToken);
                    if (DateTimeOffset.UtcNow - lastMend >= BetweenMends && await MendAsync(session, lastMend, cancellationToken))
                    {
                        lastMend = DateTimeOffset.UtcNow;
                    }

                    // First: the upkeep looks at every table of the plan, and one of them may be gone.
                    if (DateTimeOffset.UtcNow - lastAdoption >= BetweenAdoptions)
                    {
                        lastAdoption = DateTimeOffset.UtcNow;
                        await AdoptAsync(session, cancellationToken);
                    }

                    lastUpkeep = await BeatAsync(session, lastUpkeep, cancellationToken);
                    await sampler.SampleAsync(cancellationToken);
                    await comparison.BeatAsync(cancellationToken);
                    await drift.LookAsync(cancellationToken);
                }
                catch (Exception exception) when (exception is NpgsqlException or MigrationException or IOException)
                {
                    session.Events.Warning(exception.Message);
                    await Task.Delay(Beat * 5, cancellationToken);
                }

                await Task.Delay(Beat, cancellationToken);
            }
        }
        finally
        {
            if (RunningPid(session.Home) == Environment.ProcessId)
            {
                File.Delete(session.Home.WorkerPidFile);
            }
        }
    }

    private static async Task<DateTimeOffset> BeatAsync(MigrationSession session, DateTimeOffset lastUpkeep, CancellationToken cancellationToken)
    {
        var replayed = await session.Store.ReadReplayedAsync(cancellationToken);
        await RelieveAsync(session, replayed, cancellationToken);
        if (DateTimeOffset.UtcNow - lastUpkeep < Upkeep)
        {
            return lastUpkeep;
        }

        await using var source = await session.OpenSourceAsync(cancellationToken);
        await new DeltaBacklog(replayed).PurgeAsync(source, cancellationToken);
        await SyncRuns.PruneAsync(session.Cluster.DataSource, cancellationToken);
        return DateTimeOffset.UtcNow;
    }

    /// <summary>A change of millions of rows in one transaction, for instance. The look needs no lock.</summary>
    private static async Task RelieveAsync(MigrationSession session, IReadOnlyList<TableInfo> replayed, CancellationToken cancellationToken)
    {
        if ((await new CatchUp(session).FindTooLargeAsync(replayed, cancellationToken)).Count == 0)
        {
            return;
        }

        await using var operatorLock = await OperatorLock.TakeAsync(session, cancellationToken);
        if (await IsReplicatingAsync(session, cancellationToken))
        {
            // As they are by now: columns may have come to them since the look.
            await new Replication(session).RelieveAsync(await session.Store.ReadReplayedAsync(cancellationToken), cancellationToken);
        }
    }

    /// <summary>True where a sync that fails for changes that it cannot carry was helped on.</summary>
    private static async Task<bool> MendAsync(MigrationSession session, DateTimeOffset since, CancellationToken cancellationToken)
    {
        if (!session.Daemon.IsRunning || await SyncRuns.ReadAsync(session.Cluster.DataSource, cancellationToken) is not { Fault: { } fault, FaultAt: { } at } || at <= since)
        {
            return false;
        }

        await using var operatorLock = await OperatorLock.TakeAsync(session, cancellationToken);
        return await IsReplicatingAsync(session, cancellationToken)
            && await new StaleTables(session).MendAsync(fault, await session.Store.ReadReplayedAsync(cancellationToken), cancellationToken);
    }

    /// <summary>The look needs no lock; it may be over once the lock is there.</summary>
    private static async Task AdoptAsync(MigrationSession session, CancellationToken cancellationToken)
    {
        var adopt = new AdoptOperation(session);
        if (!await adopt.IsNeededAsync(cancellationToken))
        {
            return;
        }

        await using var operatorLock = await OperatorLock.TakeAsync(session, cancellationToken);
        if (await session.Store.ReadAsync(cancellationToken) is { Phase: MigrationPhase.Replicating } row && row.Name == session.Name)
        {
            await adopt.RunAsync(row, cancellationToken);
        }
    }

    private static async Task<bool> IsReplicatingAsync(MigrationSession session, CancellationToken cancellationToken)
    {
        if (!session.Home.Exists)
        {
            return false;
        }

        try
        {
            // Not by the session's own reading, which takes a target that is away for an error.
            if (await session.Store.ReadAsync(cancellationToken) is not { Phase: MigrationPhase.Replicating } row || row.Name != session.Name)
            {
                return false;
            }

            session.StartOptions = row.Options;
            return true;
        }
        catch (NpgsqlException) when (!cancellationToken.IsCancellationRequested)
        {
            // A target that is away for a while is no reason to leave; the end of the migration takes the home's connections away.
            return true;
        }
    }

    /// <summary>The worker by its pid file, if that process is still the one that wrote it.</summary>
    private static int? RunningPid(MigrationHome home)
    {
        try
        {
            var written = File.GetLastWriteTimeUtc(home.WorkerPidFile);
            // A dead process stays known until its parent has taken note, which some containers' first process does late or never.
            return int.TryParse(File.ReadAllText(home.WorkerPidFile), CultureInfo.InvariantCulture, out var pid)
                && ProcessTree.Read(pid) is not null
                && System.Diagnostics.Process.GetProcessById(pid).StartTime.ToUniversalTime() <= written + ClockTolerance
                    ? pid
                    : null;
        }
        catch (Exception exception) when (exception is IOException or ArgumentException or InvalidOperationException)
        {
            return null;
        }
    }
}
