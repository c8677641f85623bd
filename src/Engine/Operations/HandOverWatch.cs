using System.Text.Json;
using HerokuMigrator.State;
using HerokuMigrator.Status;
using Npgsql;

namespace HerokuMigrator.Operations;

/// <summary>Watches a worker's start to its end: hands on what it tells, and throws what it met. Changes nothing.</summary>
internal sealed class HandOverWatch(MigrationSession session)
{
    private static readonly TimeSpan Beat = TimeSpan.FromSeconds(0.5);

    /// <summary>The worker notes how it ended right before it goes; a look may fall between the two.</summary>
    private const int LooksAfterEnd = 2;

    private readonly EventTail _events = new(session.Home.EventsFile);
    private readonly PhaseReporter _phases = new(session.Face);
    private string? _activity;

    /// <summary>What was written so far is of no interest.</summary>
    public void SkipPast() => _ = _events.Read().Count();

    public async Task FollowAsync(HandOver handOver, CancellationToken cancellationToken)
    {
        // Of what was said before somebody looked, that which asks to be acted on.
        TellEvents(handOver, MigrationLogLevel.Warning);
        var deadLooks = 0;
        try
        {
            while (true)
            {
                var alive = handOver.IsAlive;
                var view = await ReadAsync(alive, cancellationToken);
                TellEvents(handOver, MigrationLogLevel.Debug);
                if (view is not null)
                {
                    await TellPhaseAsync(view.Phase, cancellationToken);
                    if (HasEnded(view, handOver))
                    {
                        return;
                    }

                    TellProgress(view);
                }

                deadLooks = alive ? 0 : deadLooks + 1;
                if (deadLooks > LooksAfterEnd)
                {
                    throw await ReadErrorFileAsync(handOver) ?? Errors.WorkerDied(session.Name, handOver.Pid, session.Home.WorkerLogFile);
                }

                await Task.Delay(Beat, cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw Errors.Detached(session.Name, handOver.Pid);
        }
        finally
        {
            Finish();
        }
    }

    /// <summary>True where replication runs; throws what kept it from that.</summary>
    private bool HasEnded(HandOverView view, HandOver handOver)
    {
        if (view.Phase is MigrationPhase.Aborted)
        {
            throw Errors.StartInterrupted(session.Name, "Stop-Migration ends the migration");
        }

        if (view.Open is { } open)
        {
            return open.Id != handOver.Id ? throw Errors.StartInterrupted(session.Name, $"another program has taken it up, on {open.Machine}") : false;
        }

        return view.Error is { } error ? throw error.ToException() : true;
    }

    /// <summary>Null where the target cannot be asked just now: as long as the worker lives, it is the worker that has to cope with that.</summary>
    private async Task<HandOverView?> ReadAsync(bool alive, CancellationToken cancellationToken)
    {
        try
        {
            await using var target = await session.OpenTargetAsync(cancellationToken);
            return await HandOverStore.ReadAsync(target, cancellationToken) ?? throw Errors.StartInterrupted(session.Name, "the migration was stopped, its state is gone");
        }
        catch (Exception exception) when (exception is NpgsqlException or MigrationException { Kind: ErrorKind.ConnectionError or ErrorKind.ResourceUnavailable })
        {
            session.Events.Verbose($"The target does not answer: {exception.Message}{(alive ? " The worker goes on trying." : "")}");
            return null;
        }
    }

    private async Task TellPhaseAsync(MigrationPhase phase, CancellationToken cancellationToken)
    {
        if (!_phases.IsNews(phase))
        {
            return;
        }

        try
        {
            _phases.Tell(await new StatusReader(session).ReadAsync(cancellationToken));
        }
        catch (Exception exception) when (exception is NpgsqlException or MigrationException)
        {
            session.Events.Verbose($"The phase {phase} could not be looked at: {exception.Message}");
        }
    }

    private void TellEvents(HandOver handOver, MigrationLogLevel least)
    {
        foreach (var one in _events.Read().Where(one => one.Pid == handOver.Pid && one.Level >= least))
        {
            one.TellTo(session.Events);
        }
    }

    private void TellProgress(HandOverView view)
    {
        if (view.Progress is not { Now: { } now })
        {
            return;
        }

        if (_activity != now.Activity)
        {
            Finish();
            _activity = now.Activity;
        }

        session.Events.Progress(now);
    }

    private void Finish()
    {
        if (_activity is not null)
        {
            session.Events.Progress(new OperationProgress(_activity, "", Completed: true));
            _activity = null;
        }
    }

    private async Task<MigrationException?> ReadErrorFileAsync(HandOver handOver)
    {
        try
        {
            var error = JsonSerializer.Deserialize<HandOverError>(await File.ReadAllTextAsync(session.Home.WorkerErrorFile, CancellationToken.None));
            return error?.HandOverId == handOver.Id ? error.ToException() : null;
        }
        catch (Exception exception) when (exception is IOException or JsonException)
        {
            return null;
        }
    }
}
