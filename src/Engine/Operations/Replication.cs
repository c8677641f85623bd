using HerokuMigrator.Bucardo;
using HerokuMigrator.Capture;
using HerokuMigrator.Catalog;
using HerokuMigrator.Connections;
using HerokuMigrator.Copy;
using HerokuMigrator.State;

namespace HerokuMigrator.Operations;

/// <summary>Turns replication by the embedded Bucardo on and off.</summary>
internal sealed class Replication(MigrationSession session)
{
    /// <summary>Control cluster, configuration and daemon, from whatever state they are in; does nothing where it replays already.</summary>
    public async Task EnsureRunningAsync(IReadOnlyList<TableInfo> replayed, CancellationToken cancellationToken)
    {
        if (!await session.Cluster.IsRunningAsync(cancellationToken))
        {
            // A daemon that has lost its control database may live on without doing anything.
            await session.Daemon.StopAsync(cancellationToken);
        }

        var environment = await EnsureClusterAsync(cancellationToken);
        if (session.Daemon.IsRunning)
        {
            return;
        }

        await session.Daemon.StopAsync(cancellationToken);
        if (await new CatchUp(session).ApplyAsync(replayed, cancellationToken))
        {
            // What came meanwhile does not wait for the seconds that a daemon takes to start.
            await new SnapshotDrain(session).TryApplyAsync(replayed, cancellationToken);
        }

        await BucardoConfiguration.ApplyAsync(session.Cluster.DataSource, session.Home.BucardoFolder, replayed, cancellationToken);
        await session.Daemon.StartAsync(environment, cancellationToken);
    }

    /// <summary>The same, and it replays exactly these tables: a daemon that does so already, maybe in the middle of a long run, is left alone.</summary>
    public async Task EnsureConfiguredAsync(IReadOnlyList<TableInfo> replayed, CancellationToken cancellationToken)
    {
        if (session.Daemon.IsRunning && await session.Cluster.IsRunningAsync(cancellationToken)
            && !(await BucardoConfiguration.ReadTablesAsync(session.Cluster.DataSource, cancellationToken)).SetEquals(replayed.Append(CaptureInstaller.Sentinel).Select(table => table.QualifiedName)))
        {
            await StopDaemonAsync(cancellationToken);
        }

        await EnsureRunningAsync(replayed, cancellationToken);
    }

    /// <summary>
    /// Stops a daemon that would have to hold a large backlog in memory, applies that, and starts it again; true where it was so.
    /// Killed rather than asked, as it does not listen while it reads; its work on the target is undone with its session.
    /// </summary>
    public async Task<bool> RelieveAsync(IReadOnlyList<TableInfo> replayed, CancellationToken cancellationToken)
    {
        var large = await new CatchUp(session).FindTooLargeAsync(replayed, cancellationToken);
        if (large.Count == 0)
        {
            return false;
        }

        session.Events.Information($"More changes are pending than Bucardo should hold in memory; it is stopped while they are applied: {string.Join(", ", large)}.");
        await session.Daemon.KillAsync(cancellationToken);
        await EnsureRunningAsync(replayed, cancellationToken);
        return true;
    }

    public Task StopDaemonAsync(CancellationToken cancellationToken) => session.Daemon.StopAsync(cancellationToken);

    public async Task StopAllAsync(CancellationToken cancellationToken)
    {
        await session.Daemon.StopAsync(cancellationToken);
        await session.Cluster.StopAsync(cancellationToken);
    }

    private async Task<IReadOnlyDictionary<string, string?>> EnsureClusterAsync(CancellationToken cancellationToken)
    {
        var folder = session.Home.BucardoFolder;
        var environment = ConnectionSettings.ServiceEnvironment(folder);
        await session.Cluster.EnsureRunningAsync(cancellationToken);
        var settings = new Dictionary<string, string>(MigrationSession.PinnedSettings, StringComparer.Ordinal)
        {
            // Bucardo compares keys with unqualified operators: where an extension's schema is not on the path, citext keys are compared as text, without their index.
            ["search_path"] = (await session.ReadApplicationSettingsAsync(cancellationToken)).SearchPath,
            // Under the server's deadlock_timeout (1 s): where a run of the sync and a TRUNCATE of several tables wait for each other,
            // the run gives way and begins anew, not the application.
            ["lock_timeout"] = "800",
        };
        var services = new Dictionary<string, ConnectionSettings>(StringComparer.Ordinal)
        {
            [BucardoConfiguration.SourceService] = session.SourceSettings,
            [BucardoConfiguration.TargetService] = session.TargetSettings,
        };
        await ConnectionSettings.WriteServiceFilesAsync(folder, services, settings, MigrationHome.RunAs, cancellationToken);
        return environment;
    }
}
