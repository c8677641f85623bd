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
    private static readonly TimeSpan ReadCatalogEvery = TimeSpan.FromSeconds(30);

    /// <summary>A program that works tells so once a second; a server that is busy may make it wait a while.</summary>
    private const double SilentSeconds = 60;

    /// <summary>What somebody must see to also where no switch is near.</summary>
    private static readonly HashSet<string> AlsoProblems = [SwitchChecks.SchemaDriftId, SwitchChecks.PartitionsId, SwitchChecks.RowsDifferId];

    private readonly List<string> _problems = [];
    private bool _startIsDead;
    private IReadOnlyList<SwitchReason>? _catalogReasons;
    private DateTimeOffset _catalogReadAt;

    /// <summary>The tables as the last look found them; empty before one.</summary>
    public IReadOnlyList<TableRow> Tables { get; private set; } = [];

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

        var tables = Tables = await session.Store.ReadTablesAsync(cancellationToken);
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
            _problems.Add("The worker that watches over replication has died. A daemon that ends is not restarted, and what was replayed is not purged on the source. Start-BucardoSync or Resume-BucardoSync starts another.");
        }

        var copy = await ReadCopyAsync(row.Phase, cancellationToken);
        await ReadWaitsAsync(copy, runs, cancellationToken);
        var health = _startIsDead ? SyncHealth.Broken : HealthOf(row.Phase, running, runs);
        var known = tables.Select(table => table.Table.QualifiedName).ToHashSet(StringComparer.Ordinal);
        var proofs = (await new ComparisonStore(session.Target).ReadProofsAsync(cancellationToken)).Where(proof => known.Contains(proof.Table)).ToList();
        List<SwitchReason> reasons =
        [
            .. ReplicationReasons.Of(session.Name, row.Phase, running, worker, runs, backlog),
            // Without a backlog the source is out of reach, which is told.
            .. backlog is null ? [] : await ReadSwitchReasonsAsync(row.Phase, tables, proofs, cancellationToken),
        ];
        _problems.AddRange(reasons.Where(reason => AlsoProblems.Contains(reason.Id)).Select(reason => $"{reason.Finding} {reason.Remedy}"));
        var drifted = reasons.Exists(reason => reason.Id == SwitchChecks.SchemaDriftId);
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
            Copy = copy,
            Backlog = backlog?.Rows,
            LagSeconds = backlog?.OldestAgeSeconds,
            DaemonRunning = running,
            LastGoodRun = runs?.LastGood,
            Proofs = proofs,
            SwitchReadiness = SwitchReasons.Weigh(reasons),
            SwitchReasons = [.. reasons.OrderByDescending(reason => reason.Status)],
        };
    }

    /// <summary>What the program that copies has told of itself; and whether it still lives, as far as can be told from here.</summary>
    private async Task<CopyStatus?> ReadCopyAsync(MigrationPhase phase, CancellationToken cancellationToken)
    {
        _startIsDead = false;
        if (phase is not (MigrationPhase.Preparing or MigrationPhase.Copying or MigrationPhase.CatchingUp or MigrationPhase.Failed))
        {
            return null;
        }

        await using var target = await session.OpenTargetAsync(cancellationToken);
        var view = await HandOverStore.ReadAsync(target, cancellationToken);
        if (view is null || phase == MigrationPhase.Failed)
        {
            return view?.Progress?.Copy;
        }

        var known = view.Open is { IsHere: true, Pid: not null } open ? !open.IsAlive : (bool?)null;
        if (known ?? view.AgeSeconds > SilentSeconds)
        {
            _startIsDead = true;
            _problems.Add(known is true
                ? $"The worker (process {view.Open!.Pid}) that did the start has died. Start-BucardoSync goes on; what is copied stays copied."
                : $"The program that does the start has given no sign of life for {DurationText.Of(view.AgeSeconds ?? 0)}. If it is gone, Start-BucardoSync goes on; what is copied stays copied.");
        }

        return phase == MigrationPhase.Preparing || view.Progress?.Copy is not { BytesTotal: > 0 } copy ? null : _startIsDead ? copy with { MBPerSecond = 0, RowsPerSecond = 0, SecondsLeft = null, Running = [] } : copy;
    }

    /// <summary>What a copy or a sync that stands still waits for.</summary>
    private async Task ReadWaitsAsync(CopyStatus? copy, SyncRuns? runs, CancellationToken cancellationToken)
    {
        var copyStands = !_startIsDead && copy is { IsCopying: true, Throttle: null, Running.Count: > 0, IdleSeconds: >= ProgressLoop.StallSeconds };
        if (!copyStands && runs is not { Stalled: true } && runs?.Fault is null)
        {
            return;
        }

        if (copyStands)
        {
            _problems.Add($"The copy has moved no byte for {DurationText.Of(copy!.IdleSeconds)}.");
        }

        _problems.AddRange(await Waits.ReadAsync(session, cancellationToken));
    }

    private static SyncHealth HealthOf(MigrationPhase phase, bool running, SyncRuns? runs) => phase switch
    {
        MigrationPhase.Replicating or MigrationPhase.CatchingUp when !running || runs?.Fault is not null => phase == MigrationPhase.Replicating ? SyncHealth.Broken : SyncHealth.Degraded,
        MigrationPhase.Replicating when runs is { Stalled: true } => SyncHealth.Degraded,
        MigrationPhase.Replicating or MigrationPhase.CatchingUp or MigrationPhase.Copying or MigrationPhase.Preparing => SyncHealth.Healthy,
        MigrationPhase.Failed => SyncHealth.Broken,
        _ => SyncHealth.Idle,
    };

    /// <summary>What a switch would refuse or warn of; told as long before it as can be.</summary>
    private async Task<IReadOnlyList<SwitchReason>> ReadSwitchReasonsAsync(
        MigrationPhase phase, IReadOnlyList<TableRow> tables, IReadOnlyList<TableProof> proofs, CancellationToken cancellationToken)
    {
        if (phase is not (MigrationPhase.Replicating or MigrationPhase.Suspended))
        {
            return [];
        }

        try
        {
            var checks = new SwitchChecks(session);
            await using var source = await session.OpenSourceAsync(cancellationToken);
            if (_catalogReasons is null || DateTimeOffset.UtcNow - _catalogReadAt > ReadCatalogEvery)
            {
                _catalogReasons = await checks.ReadCatalogAsync(source, tables, cancellationToken);
                _catalogReadAt = DateTimeOffset.UtcNow;
            }

            return [.. _catalogReasons, .. await checks.ReadActivityAsync(source, tables, proofs, cancellationToken)];
        }
        catch (Exception exception) when (exception is MigrationException or NpgsqlException)
        {
            // What was not looked at must not pass for good.
            return [SwitchReasons.Blocked("ChecksUnreadable", $"What a switch asks for could not be read: {exception.Message}", "Run Get-SyncStatus again; where it stays, look at the source's own log.")];
        }
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
            SwitchReasons = [.. ReplicationReasons.Of(session.Name, outcome?.Phase ?? MigrationPhase.NotStarted, daemonRuns: false, workerRuns: false, runs: null, backlog: null)],
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
