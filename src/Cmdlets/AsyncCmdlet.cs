using System.Management.Automation;
using System.Management.Automation.Host;

namespace HerokuMigrator.Commands;

/// <summary>Runs the engine's asynchronous work on a worker thread while the pipeline's thread writes its events.</summary>
public abstract class AsyncCmdlet : PSCmdlet, IDisposable
{
    /// <summary>How long an interrupted operation may take to put things in order.</summary>
    private static readonly TimeSpan CleanupTime = TimeSpan.FromSeconds(10);

    private readonly CancellationTokenSource _stop = new();

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
        if (disposing)
        {
            _stop.Dispose();
        }
    }

    protected override void StopProcessing() => _stop.Cancel();

    /// <summary>Runs the work to its end; its failure ends the pipeline with an error record.</summary>
    private protected T RunOnWorker<T>(Func<PipelineEvents, CancellationToken, Task<T>> work, PhaseScript? onPhaseChange = null)
    {
        var events = new PipelineEvents(this, PowerShellHost.IsWatched(Host), onPhaseChange);
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        var task = Task.Run(() => RunAsync(work, events, cancel.Token));
        try
        {
            events.Pump(_stop.Token);
        }
        catch (Exception exception)
        {
            // Ctrl-C, or a preference such as -WarningAction Stop made a write throw.
            cancel.Cancel();
            WaitForCleanup(task);
            if (exception is OperationCanceledException)
            {
                TellDetached(task);
                throw new PipelineStoppedException();
            }

            throw;
        }

        return Unwrap(task);
    }

    private static async Task<T> RunAsync<T>(
        Func<PipelineEvents, CancellationToken, Task<T>> work, PipelineEvents events, CancellationToken cancellationToken)
    {
        try
        {
            return await work(events, cancellationToken);
        }
        finally
        {
            events.Complete();
        }
    }

    private static void WaitForCleanup(Task task)
    {
        // The outcome no longer matters, only that it came; a failure is looked at so that it counts as observed.
        ((IAsyncResult)task).AsyncWaitHandle.WaitOne(CleanupTime);
        _ = task.Exception;
    }

    /// <summary>A pipeline that was stopped takes nothing any more, so it is said past it.</summary>
    private void TellDetached(Task task)
    {
        if (task.Exception?.InnerException is not MigrationException { ErrorId: "Detached" } detached)
        {
            return;
        }

        try
        {
            Host.UI.WriteLine($"{detached.Message} {detached.RecommendedAction}");
        }
        catch (Exception exception) when (exception is HostException or PipelineStoppedException or NotImplementedException or InvalidOperationException)
        {
            // A host without a screen.
        }
    }

    private T Unwrap<T>(Task<T> task)
    {
        try
        {
            return task.GetAwaiter().GetResult();
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            throw new PipelineStoppedException();
        }
        catch (PipelineStoppedException)
        {
            throw;
        }
        catch (MigrationException exception) when (exception.ErrorId == "Detached" && _stop.IsCancellationRequested)
        {
            TellDetached(task);
            throw new PipelineStoppedException();
        }
        catch (Exception exception)
        {
            Fail(exception);
            throw;
        }
    }

    /// <summary>What an error is about that names nothing itself.</summary>
    private protected virtual object? ErrorTarget => null;

    /// <summary>Ends the pipeline with the exception's error record.</summary>
    private protected void Fail(Exception exception) => ThrowTerminatingError(ErrorRecords.From(exception, ErrorTarget));
}
