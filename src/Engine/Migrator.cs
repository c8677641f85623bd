namespace HerokuMigrator;

/// <summary>
/// The whole product behind one door: every face (cmdlets, console, worker, tests) calls these and nothing else.
/// Every operation can be repeated; after a crash the same call goes on. Each throws <see cref="MigrationException"/> for what a person can act on.
/// </summary>
public sealed class Migrator : IAsyncDisposable
{
    public Migrator(MigratorOptions options, IOperationEvents events) => throw new NotSupportedException();

    public Task<ReadinessReport> TestReadinessAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>Says what an operation would do: "start", "suspend", "resume", "switch", "undo", "complete", "stop". Changes nothing.</summary>
    public Task<OperationPlan> DescribeAsync(string operation, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<Migration> StartAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<SyncStatus> GetStatusAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>Waits until the migration is ready to switch; throws WaitTimedOut (OperationTimeout) after the timeout.</summary>
    public Task<SyncStatus> WaitUntilReadyAsync(TimeSpan timeout, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<SyncStatus> SuspendAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<SyncStatus> ResumeAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<TrafficSwitch> SwitchAsync(SwitchOptions switchOptions, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<TrafficSwitch> UndoSwitchAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<Migration> CompleteAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<Migration> StopAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>Keeps watch over replication until the migration leaves that phase: restarts a dead daemon, analyses and purges the delta tables. For the worker.</summary>
    public Task WatchAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
