using System.Globalization;
using System.Text.Json;
using HerokuMigrator.State;
using Npgsql;

namespace HerokuMigrator.Operations;

/// <summary>The worker's part of a start: does what was handed over, and leaves in the state how it ended.</summary>
internal sealed class WorkerStart(MigrationSession session)
{
    private static readonly TimeSpan NotingTime = TimeSpan.FromSeconds(10);

    /// <summary>Does nothing where no start is handed over to a worker of this machine.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        if (!session.Home.Exists || await FindAsync(cancellationToken) is not { } handOver)
        {
            return;
        }

        handOver = handOver.To(Environment.ProcessId);
        await MigrationHome.WritePrivateAsync(session.Home.WorkerPidFile, Environment.ProcessId.ToString(CultureInfo.InvariantCulture), cancellationToken);
        try
        {
            await using (var target = await session.OpenTargetAsync(cancellationToken))
            {
                if (!await HandOverStore.TakeAsync(target, handOver, cancellationToken))
                {
                    return;
                }
            }

            await new StartOperation(session) { HandOverId = handOver.Id }.RunAsync(cancellationToken);
        }
        catch (Exception exception)
        {
            var interrupted = exception is OperationCanceledException && cancellationToken.IsCancellationRequested;
            var known = interrupted ? Errors.StartInterrupted(session.Name, "its worker was told to end") : Errors.Known(exception);
            await NoteAsync(HandOverError.Of(handOver.Id, known));
            if (Worker.IsThis(session.Home))
            {
                File.Delete(session.Home.WorkerPidFile);
            }

            if (interrupted)
            {
                throw;
            }

            throw known;
        }
    }

    private async Task<HandOver?> FindAsync(CancellationToken cancellationToken)
    {
        await using var target = await session.OpenTargetAsync(cancellationToken);
        return await HandOverStore.ReadAsync(target, cancellationToken) is { Open: { IsHere: true } open } ? open : null;
    }

    /// <summary>In the state, and where that cannot be reached, in the home.</summary>
    private async Task NoteAsync(HandOverError error)
    {
        using var limit = new CancellationTokenSource(NotingTime);
        try
        {
            await using var target = await session.OpenTargetAsync(limit.Token);
            await HandOverStore.EndAsync(target, error.HandOverId, error, limit.Token);
        }
        catch (Exception exception) when (exception is NpgsqlException or MigrationException or OperationCanceledException)
        {
            try
            {
                await MigrationHome.WritePrivateAsync(session.Home.WorkerErrorFile, JsonSerializer.Serialize(error), CancellationToken.None);
            }
            catch (Exception second) when (second is IOException or UnauthorizedAccessException)
            {
                session.Events.Warning($"How the start ended could be noted nowhere: {second.Message}");
            }
        }
    }
}
