using HerokuMigrator.History;
using HerokuMigrator.Logs;
using HerokuMigrator.Operations;
using HerokuMigrator.Readiness;
using HerokuMigrator.Reporting;
using HerokuMigrator.State;
using HerokuMigrator.Status;
using Npgsql;

namespace HerokuMigrator;

/// <summary>
/// The whole product behind one door: every face (cmdlets, console, worker, tests) calls these and nothing else.
/// Every operation can be repeated; after a crash the same call goes on. Each throws <see cref="MigrationException"/> for what a person can act on.
/// </summary>
public sealed class Migrator(MigratorOptions options, IOperationEvents events) : IAsyncDisposable
{
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(1);

    /// <summary>The ids of all readiness checks, as the options of <see cref="TestReadinessAsync(ReadinessOptions, CancellationToken)"/> take them.</summary>
    public static IReadOnlyList<string> ReadinessCheckIds => [.. CheckSelection.All.Select(check => check.Id)];

    /// <summary>What the check of that id looks at, in a few words.</summary>
    public static string ReadinessCheckTitle(string id) => CheckSelection.All.First(check => check.Id == id).Title;

    /// <summary>Every check that can fail later; reads only.</summary>
    public Task<ReadinessReport> TestReadinessAsync(CancellationToken cancellationToken) => TestReadinessAsync(new ReadinessOptions(), cancellationToken);

    /// <summary>The checks that the options choose; reads only.</summary>
    public async Task<ReadinessReport> TestReadinessAsync(ReadinessOptions readinessOptions, CancellationToken cancellationToken)
    {
        readinessOptions.Validate();
        return await WithSessionAsync("test", async session =>
            {
                var own = await session.Store.ReadIfReachableAsync(cancellationToken);
                return await ReadinessRun.RunAsync(session, readinessOptions, own?.Name == session.Name ? own.Id : null, cancellationToken);
            }, cancellationToken);
    }

    /// <summary>Says what an operation would do: "start", "suspend", "resume", "switch", "undo", "complete", "stop". Changes nothing.</summary>
    public Task<OperationPlan> DescribeAsync(string operation, CancellationToken cancellationToken) =>
        WithSessionAsync("describe", session => new PlanDescription(session).BuildAsync(operation, cancellationToken), cancellationToken);

    /// <summary>The same of a start with these options.</summary>
    public async Task<OperationPlan> DescribeStartAsync(StartOptions startOptions, CancellationToken cancellationToken)
    {
        startOptions.Validate();
        options.Validate();
        return await WithSessionAsync("describe", session => new PlanDescription(session, startOptions).BuildAsync("start", cancellationToken), cancellationToken);
    }

    /// <summary>The same with nothing chosen.</summary>
    public Task<Migration> StartAsync(CancellationToken cancellationToken) => StartAsync(new StartOptions(), cancellationToken);

    /// <summary>
    /// Schema, capture, copy, replication; goes on where an earlier run ended. Where the face knows a worker, that does it, and this only watches:
    /// cancelled, it throws Detached, and the worker goes on.
    /// </summary>
    public async Task<Migration> StartAsync(StartOptions startOptions, CancellationToken cancellationToken)
    {
        startOptions.Validate();
        options.Validate();
        return await WithSessionAsync(
            "start",
            async session =>
            {
                if (options.Worker is not null)
                {
                    return await new StartHandOver(session, startOptions).RunAsync(cancellationToken);
                }

                await new StartOperation(session, startOptions).RunAsync(cancellationToken);
                return await MigrationSummary.ReadAsync(session, cancellationToken);
            },
            cancellationToken);
    }

    public Task<SyncStatus> GetStatusAsync(CancellationToken cancellationToken) =>
        WithSessionAsync("status", session => new StatusReader(session).ReadAsync(cancellationToken), cancellationToken);

    /// <summary>Waits until the migration is ready to switch and its lag is small; throws WaitTimedOut after the timeout.</summary>
    public Task<SyncStatus> WaitUntilReadyAsync(TimeSpan timeout, CancellationToken cancellationToken) =>
        WithSessionAsync(
            "status",
            async session =>
            {
                var until = DateTimeOffset.UtcNow + timeout;
                var reader = new StatusReader(session);
                var phases = new PhaseReporter(events);
                while (true)
                {
                    var status = await reader.ReadAsync(cancellationToken);
                    phases.Tell(status);
                    if ((status.ReadyToSwitch && status.LagSeconds < ReplicationReasons.SmallLag) || status.Phase is MigrationPhase.Switched or MigrationPhase.Completed)
                    {
                        return status;
                    }

                    if (DateTimeOffset.UtcNow >= until || status.Phase is MigrationPhase.NotStarted or MigrationPhase.Failed or MigrationPhase.Aborted)
                    {
                        throw Errors.WaitTimedOut(status, timeout);
                    }

                    events.Progress(new OperationProgress("Waiting until a switch is possible", status.ToString()));
                    await Task.Delay(Poll, cancellationToken);
                }
            },
            cancellationToken);

    /// <summary>Looks once a second until the migration has ended (Completed, Aborted, or there is none), or until it is cancelled; the last look is returned.</summary>
    /// <param name="show">Called with each look; the next one waits for it.</param>
    /// <param name="cancellationToken">Ends the looking.</param>
    public Task<SyncStatus> FollowAsync(Func<LiveStatus, CancellationToken, Task> show, CancellationToken cancellationToken) =>
        WithSessionAsync("status", session => new StatusFollower(session).RunAsync(show, cancellationToken), cancellationToken);

    public Task<SyncStatus> SuspendAsync(CancellationToken cancellationToken) =>
        WithStatusAsync("suspend", session => new PauseOperation(session).SuspendAsync(cancellationToken), cancellationToken);

    public Task<SyncStatus> ResumeAsync(CancellationToken cancellationToken) =>
        WithStatusAsync("resume", session => new PauseOperation(session).ResumeAsync(cancellationToken), cancellationToken);

    /// <summary>Compares the content of both sides; one result a table, in the order of their names. Reads only, unless a repair is asked for.</summary>
    public async Task<IReadOnlyList<DataComparison>> CompareAsync(ComparisonOptions comparisonOptions, CancellationToken cancellationToken)
    {
        comparisonOptions.Validate();
        return await WithSessionAsync("verify", session => new CompareOperation(session, comparisonOptions).RunAsync(cancellationToken), cancellationToken);
    }

    /// <summary>Compares what is not rows: one result a kind of object. Reads only.</summary>
    public Task<IReadOnlyList<ObjectComparison>> CompareObjectsAsync(CancellationToken cancellationToken) =>
        WithSessionAsync("verify", session => new ObjectCompareOperation(session).RunAsync(cancellationToken), cancellationToken);

    /// <summary>Says what such a comparison would do.</summary>
    public async Task<OperationPlan> DescribeComparisonAsync(ComparisonOptions comparisonOptions, CancellationToken cancellationToken)
    {
        comparisonOptions.Validate();
        return await WithSessionAsync("describe", session => new PlanDescription(session).BuildComparisonAsync(comparisonOptions, cancellationToken), cancellationToken);
    }

    /// <summary>Says what such a switch would do.</summary>
    public Task<OperationPlan> DescribeSwitchAsync(SwitchOptions switchOptions, CancellationToken cancellationToken) =>
        WithSessionAsync("describe", session => new PlanDescription(session).BuildSwitchAsync(switchOptions, cancellationToken), cancellationToken);

    public Task<TrafficSwitch> SwitchAsync(SwitchOptions switchOptions, CancellationToken cancellationToken) =>
        WithSessionAsync(
            "switch",
            async session => switchOptions.LockOnly
                ? await new LockRehearsal(session, switchOptions).RunAsync(cancellationToken)
                : await SwitchHistory.NoteAsync(session, StateEvent.SwitchKind, await new SwitchOperation(session, switchOptions).RunAsync(cancellationToken), cancellationToken),
            cancellationToken);

    public Task<TrafficSwitch> UndoSwitchAsync(CancellationToken cancellationToken) =>
        WithSessionAsync(
            "undo",
            async session => await SwitchHistory.NoteAsync(session, StateEvent.UndoKind, await new UndoOperation(session).RunAsync(cancellationToken), cancellationToken),
            cancellationToken);

    public Task<Migration> CompleteAsync(CancellationToken cancellationToken) =>
        WithSessionAsync("complete", session => new EndOperation(session).CompleteAsync(cancellationToken), cancellationToken);

    public Task<Migration> StopAsync(CancellationToken cancellationToken) => StopAsync(new StopOptions(), cancellationToken);

    public Task<Migration> StopAsync(StopOptions stopOptions, CancellationToken cancellationToken) =>
        WithSessionAsync("stop", session => new EndOperation(session).StopAsync(stopOptions, cancellationToken), cancellationToken);

    /// <summary>Tells entries of the log, each to <paramref name="write"/>: at first those that are there, in the order of their times; with Follow what comes until the migration has ended, or cancellation comes.</summary>
    public async Task ReadLogAsync(LogOptions logOptions, Action<MigrationLogEntry> write, CancellationToken cancellationToken)
    {
        logOptions.Validate();
        await using var session = await MigrationSession.TryOpenAsync(options, "log", events, cancellationToken);
        await LogReader.Open(session, options, events).RunAsync(logOptions, write, cancellationToken);
    }

    /// <summary>Writes what is known of the migration as a page; also of one that has ended, as long as its home is there.</summary>
    public async Task WriteReportAsync(MigrationReportFile file, CancellationToken cancellationToken)
    {
        await using var session = await MigrationSession.TryOpenAsync(options, "report", events, cancellationToken);
        await new ReportOperation(session, options, events).WriteAsync(file, cancellationToken);
    }

    /// <summary>What a worker is for: does the start that was handed over to it, if one was, and then keeps watch.</summary>
    public async Task WorkAsync(CancellationToken cancellationToken)
    {
        await WithSessionAsync(
            "starting",
            async session =>
            {
                await new WorkerStart(session).RunAsync(cancellationToken);
                return true;
            },
            cancellationToken);
        await WatchAsync(cancellationToken);
    }

    /// <summary>Keeps watch until the migration leaves the phase Replicating: restarts a dead daemon, analyses and purges the delta tables. For the worker.</summary>
    public Task WatchAsync(CancellationToken cancellationToken) =>
        WithSessionAsync(
            "worker",
            async session =>
            {
                await Worker.WatchAsync(session, cancellationToken);
                return true;
            },
            cancellationToken);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private Task<SyncStatus> WithStatusAsync(string operation, Func<MigrationSession, Task> work, CancellationToken cancellationToken) =>
        WithSessionAsync(
            operation,
            async session =>
            {
                await work(session);
                return await new StatusReader(session).ReadAsync(cancellationToken);
            },
            cancellationToken);

    private async Task<T> WithSessionAsync<T>(string operation, Func<MigrationSession, Task<T>> work, CancellationToken cancellationToken)
    {
        await using var session = await MigrationSession.OpenAsync(options, operation, events, cancellationToken);
        try
        {
            return await work(session);
        }
        catch (Exception exception) when (exception is NpgsqlException or InvalidOperationException { Source: "Npgsql" })
        {
            throw session.Noted(Errors.Known(exception));
        }
        catch (MigrationException exception)
        {
            session.Noted(exception);
            throw;
        }
    }
}
