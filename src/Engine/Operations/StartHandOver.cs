using HerokuMigrator.Connections;
using HerokuMigrator.State;
using Npgsql;

namespace HerokuMigrator.Operations;

/// <summary>
/// The face's part of a start that a worker does: refuses at once what can be refused, begins the migration, hands it over, and then only watches.
/// A start that this machine's worker is at already is watched, not refused.
/// </summary>
internal sealed class StartHandOver(MigrationSession session, StartOptions options)
{
    public async Task<Migration> RunAsync(CancellationToken cancellationToken)
    {
        await new StartOperation(session, options).RequireAsync(cancellationToken);
        if (await FindWorkingAsync(cancellationToken) is { } working)
        {
            return await JoinAsync(working, cancellationToken);
        }

        return await BeginAsync(cancellationToken) switch
        {
            { Started: { } started } => await FollowAsync(started.Watch, started.HandOver, cancellationToken),
            { Found: { } found } => await JoinAsync(found, cancellationToken),
            _ => await MigrationSummary.ReadAsync(session, cancellationToken),
        };
    }

    /// <summary>Under the operator lock, which the worker takes right after.</summary>
    private async Task<Begun> BeginAsync(CancellationToken cancellationToken)
    {
        await using var source = await session.OpenSourceAsync(cancellationToken);
        await using (var target = await session.OpenTargetAsync(cancellationToken))
        {
            if (await DatabaseIdentity.IsSameDatabaseAsync(source, target, cancellationToken))
            {
                throw Errors.SameDatabase(session.SourceSettings.Address, session.TargetSettings.Address);
            }
        }

        await using var operatorLock = await OperatorLock.TakeAsync(session, cancellationToken);
        if (await FindWorkingAsync(cancellationToken) is { } found)
        {
            // Two have started at once, and this one waited for the other's lock.
            return new Begun(null, found);
        }

        var start = new StartOperation(session, options);
        var row = await start.AdmitAsync(source, cancellationToken);
        if (row.Phase == MigrationPhase.Replicating)
        {
            await start.GoOnAsync(source, row, null, cancellationToken);
            await Worker.LaunchAsync(session, cancellationToken);
            return new Begun(null, null);
        }

        var watch = new HandOverWatch(session);
        watch.SkipPast();
        var handOver = await HandOverAsync(cancellationToken);
        session.Events.Information($"A worker (process {handOver.Pid}) does the start of migration '{session.Name}' in the background; closing this session does not end it.");
        return new Begun((watch, handOver), null);
    }

    private async Task<Migration> JoinAsync(HandOver working, CancellationToken cancellationToken)
    {
        var row = await session.RequireMigrationAsync(cancellationToken);
        await session.RequireSourceAsync(row, cancellationToken);
        await session.KeepNotificationUriAsync(cancellationToken);
        if (options.Over(row.Options) is var wanted && wanted with { NoWait = false } != row.Options)
        {
            // The worker looks at them once a second.
            await session.Store.SaveOptionsAsync(wanted, cancellationToken);
        }

        session.Events.Information($"The start of migration '{session.Name}' is under way already, by the worker with process id {working.Pid}.");
        return await FollowAsync(new HandOverWatch(session), working, cancellationToken);
    }

    private async Task<Migration> FollowAsync(HandOverWatch watch, HandOver working, CancellationToken cancellationToken)
    {
        if (!options.NoWait)
        {
            await watch.FollowAsync(working, cancellationToken);
        }

        return await MigrationSummary.ReadAsync(session, cancellationToken);
    }

    private async Task<HandOver?> FindWorkingAsync(CancellationToken cancellationToken)
    {
        await using var target = await session.OpenTargetAsync(cancellationToken);
        return await HandOverStore.ReadAsync(target, cancellationToken) is { Open: { IsHere: true, IsAlive: true } working } ? working : null;
    }

    /// <summary>To be called with the operator lock, which the worker waits for.</summary>
    private async Task<HandOver> HandOverAsync(CancellationToken cancellationToken)
    {
        // One that watched over replication has not noticed yet that it is over.
        await Worker.EndAsync(session, cancellationToken);
        File.Delete(session.Home.WorkerErrorFile);
        var handOver = HandOver.New();
        await using var target = await session.OpenTargetAsync(cancellationToken);
        await HandOverStore.SaveAsync(target, handOver, cancellationToken);
        // From here on it is done to its end: a worker that nobody knows of would be in the way.
        var pid = await Worker.LaunchAsync(session, CancellationToken.None);
        handOver = handOver.To(pid ?? throw Errors.WorkerDied(session.Name, null, session.Home.WorkerLogFile));
        await HandOverStore.TakeAsync(target, handOver, CancellationToken.None);
        return handOver;
    }

    /// <summary>Neither where the start was done already.</summary>
    private sealed record Begun((HandOverWatch Watch, HandOver HandOver)? Started, HandOver? Found);
}
