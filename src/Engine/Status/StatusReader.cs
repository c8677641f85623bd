using HerokuMigrator.Bucardo;
using HerokuMigrator.Capture;
using HerokuMigrator.Catalog;
using HerokuMigrator.Connections;
using HerokuMigrator.Operations;
using HerokuMigrator.State;
using Npgsql;

namespace HerokuMigrator.Status;

/// <summary>Puts together where a migration stands, from the state, the source's delta tables, and the control database; changes nothing.</summary>
internal sealed class StatusReader(MigrationSession session)
{
    private readonly List<string> _problems = [];

    public async Task<SyncStatus> ReadAsync(CancellationToken cancellationToken)
    {
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

        return new SyncStatus
        {
            Name = session.Name,
            Phase = row.Phase,
            Health = HealthOf(row.Phase, running, runs),
            Problems = [.. _problems],
            Source = session.SourceSettings.Address,
            Target = session.TargetSettings.Address,
            SampledAt = DateTimeOffset.UtcNow,
            Tables = tables.Count,
            TablesCopied = tables.Count(table => table.Copied),
            TablesCopiedWhole = tables.Count(table => table.Table.Mode == TransferMode.CopiedWhole),
            RowsCopied = tables.Sum(table => table.Rows),
            Backlog = backlog?.Rows,
            LagSeconds = backlog?.OldestAgeSeconds,
            DaemonRunning = running,
            LastGoodRun = runs?.LastGood,
            ReadyToSwitch = replicating && running && backlog is not null && runs is { Fault: null, LastGood: not null },
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
