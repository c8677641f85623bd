using HerokuMigrator.Bucardo;
using HerokuMigrator.Capture;
using HerokuMigrator.Catalog;
using HerokuMigrator.Connections;
using HerokuMigrator.Cutover;
using HerokuMigrator.Operations;
using HerokuMigrator.State;
using Npgsql;

namespace HerokuMigrator.Status;

/// <summary>Puts together where a migration stands, from the state, the source's delta tables, and the control database; changes nothing.</summary>
internal sealed class StatusReader(MigrationSession session)
{
    /// <summary>For whoever asks each second; it reads the whole catalog.</summary>
    private static readonly TimeSpan CompareSchemaEvery = TimeSpan.FromSeconds(30);

    private readonly List<string> _problems = [];
    private SchemaDifference? _difference;
    private DateTimeOffset _comparedAt;

    public async Task<SyncStatus> ReadAsync(CancellationToken cancellationToken)
    {
        _problems.Clear();
        var row = await session.ReadStateAsync(cancellationToken);
        if (row is null)
        {
            return await ReadEndedAsync(cancellationToken);
        }

        if (row.Name != session.Name)
        {
            throw Errors.OtherName(session.Name, row.Name);
        }

        var tables = await session.Store.ReadTablesAsync(cancellationToken);
        var backlog = await ReadBacklogAsync(tables, cancellationToken);
        var runs = await ReadRunsAsync(row.Phase, cancellationToken);
        var running = session.Daemon.IsRunning;
        var replicating = row.Phase == MigrationPhase.Replicating;
        if (replicating && !running)
        {
            _problems.Add("Bucardo does not run on this machine; changes are captured but not replayed. Start-BucardoSync starts it again.");
        }

        if (row.Failure is { } failure)
        {
            _problems.Add($"The last start failed: {failure} Start-BucardoSync goes on once the cause is removed.");
        }

        var worker = !replicating || !Worker.HasDied(session.Home);
        if (!worker)
        {
            _problems.Add("The worker that watches over replication has died: a daemon that ends is not restarted, and what was replayed is not purged on the source. Start-BucardoSync or Resume-BucardoSync starts another.");
        }

        var drifted = await HasDriftedAsync(row.Phase, tables, cancellationToken);
        var health = HealthOf(row.Phase, running, runs);
        return new SyncStatus
        {
            Name = session.Name,
            Phase = row.Phase,
            Health = health == SyncHealth.Healthy && (drifted || !worker) ? SyncHealth.Degraded : health,
            Problems = [.. _problems],
            Source = session.SourceSettings.Address,
            Target = session.TargetSettings.Address,
            SampledAt = DateTimeOffset.UtcNow,
            Tables = tables.Count(table => table.Table.Mode != TransferMode.LeftOut),
            TablesCopied = tables.Count(table => table.Copied && table.Table.Mode != TransferMode.LeftOut),
            TablesCopiedWhole = tables.Count(table => table.Table.Mode == TransferMode.CopiedWhole),
            TablesLeftOut = MigrationSummary.LeftOut(tables),
            RowsCopied = tables.Sum(table => table.Rows),
            Backlog = backlog?.Rows,
            LagSeconds = backlog?.OldestAgeSeconds,
            DaemonRunning = running,
            LastGoodRun = runs?.LastGood,
            ReadyToSwitch = replicating && running && backlog is not null && runs is { Fault: null, LastGood: not null } && !drifted,
        };
    }

    private static SyncHealth HealthOf(MigrationPhase phase, bool running, SyncRuns? runs) => phase switch
    {
        MigrationPhase.Replicating or MigrationPhase.CatchingUp when !running || runs?.Fault is not null => phase == MigrationPhase.Replicating ? SyncHealth.Broken : SyncHealth.Degraded,
        MigrationPhase.Replicating when runs is { Stalled: true } => SyncHealth.Degraded,
        MigrationPhase.Replicating or MigrationPhase.CatchingUp or MigrationPhase.Copying or MigrationPhase.Preparing => SyncHealth.Healthy,
        MigrationPhase.Failed => SyncHealth.Broken,
        _ => SyncHealth.Idle,
    };

    /// <summary>A change of the source's schema that a switch would refuse; told as long before it as can be.</summary>
    private async Task<bool> HasDriftedAsync(MigrationPhase phase, IReadOnlyList<TableRow> tables, CancellationToken cancellationToken)
    {
        if (phase is not (MigrationPhase.Replicating or MigrationPhase.Suspended))
        {
            return false;
        }

        if (_difference is null || DateTimeOffset.UtcNow - _comparedAt > CompareSchemaEvery)
        {
            try
            {
                await using var source = await session.OpenSourceAsync(cancellationToken);
                _difference = await new SchemaDrift(session).ReadAsync(source, tables, cancellationToken);
                _comparedAt = DateTimeOffset.UtcNow;
            }
            catch (MigrationException)
            {
                // The backlog has told that the source is out of reach.
                return false;
            }
        }

        if (_difference.Partitions.Count > 0)
        {
            _problems.Add($"Partitions of the source have changed, and the target does not have that yet: {string.Join("; ", _difference.Partitions.Take(10))}. The worker follows within a minute; Start-BucardoSync and Invoke-TrafficSwitch do so at once.");
        }

        if (_difference.Obstacles.Count == 0)
        {
            return false;
        }

        _problems.Add($"The source's schema has changed since the migration began: {string.Join("; ", _difference.Obstacles.Take(10))}. {_difference.Remedy}");
        return true;
    }

    private async Task<SyncStatus> ReadEndedAsync(CancellationToken cancellationToken)
    {
        var outcome = await new EndOperation(session).ReadOutcomeAsync(cancellationToken);
        return new SyncStatus
        {
            Name = session.Name,
            Phase = outcome?.Phase ?? MigrationPhase.NotStarted,
            Health = SyncHealth.Idle,
            Source = session.SourceSettings.Address,
            Target = session.TargetSettings.Address,
            SampledAt = DateTimeOffset.UtcNow,
            Tables = outcome?.Tables ?? 0,
            TablesCopied = outcome?.Tables ?? 0,
            TablesCopiedWhole = outcome?.TablesCopiedWhole ?? 0,
            TablesLeftOut = outcome?.TablesLeftOut ?? [],
            RowsCopied = outcome?.RowsCopied ?? 0,
        };
    }

    private async Task<Backlog?> ReadBacklogAsync(IReadOnlyList<TableRow> tables, CancellationToken cancellationToken)
    {
        try
        {
            await using var source = await session.OpenSourceAsync(cancellationToken);
            return await new DeltaBacklog([.. tables.Select(row => row.Table).Where(table => table.Mode == TransferMode.Replayed)]).MeasureAsync(source, cancellationToken);
        }
        catch (PostgresException exception) when (exception.SqlState is PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.InvalidSchemaName)
        {
            // Capture is not installed yet, or not any more.
            return null;
        }
        catch (MigrationException exception)
        {
            _problems.Add(exception.Message);
            return null;
        }
    }

    private async Task<SyncRuns?> ReadRunsAsync(MigrationPhase phase, CancellationToken cancellationToken)
    {
        if (phase is not (MigrationPhase.CatchingUp or MigrationPhase.Replicating) || !await session.Cluster.IsRunningAsync(cancellationToken))
        {
            return null;
        }

        try
        {
            var runs = await SyncRuns.ReadAsync(session.Cluster.DataSource, cancellationToken);
            if (runs.Fault is { } fault)
            {
                _problems.Add("The last run of the sync failed: " + fault);
            }

            if (runs.Stalled)
            {
                _problems.Add($"No run of the sync has ended well since {runs.LastGood:u}.");
            }

            return runs;
        }
        catch (NpgsqlException exception)
        {
            _problems.Add("Bucardo's control database does not answer: " + exception.Message);
            return null;
        }
    }
}
