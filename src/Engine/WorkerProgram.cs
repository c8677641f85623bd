using System.Runtime.InteropServices;
using HerokuMigrator.State;

namespace HerokuMigrator;

/// <summary>The detached program that does a start and watches over replication; every face runs it the same way.</summary>
public static class WorkerProgram
{
    /// <summary>Works until the migration leaves replication, or until SIGTERM or SIGINT. Returns the exit code: 0 done, 1 failed.</summary>
    public static async Task<int> RunAsync(MigratorOptions options, TextWriter log)
    {
        var text = new TextEvents(log);
        var events = new EventFile(MigrationHome.Locate(options.Name, options.StateRoot).EventsFile, text);
        using var stop = new CancellationTokenSource();
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Cancel);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Cancel);
        // The terminal that started the migration may close; replication goes on.
        using var hangup = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context => context.Cancel = true);
        try
        {
            await using var migrator = new Migrator(options, events);
            await migrator.WorkAsync(stop.Token);
            return 0;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            events.Information("The worker was told to end.");
            return 0;
        }
        catch (MigrationException exception)
        {
            text.Information($"{exception.ErrorId}: {exception.Message}");
            events.Error(exception);
            return 1;
        }

        void Cancel(PosixSignalContext context)
        {
            context.Cancel = true;
            stop.Cancel();
        }
    }
}
