using Npgsql;

namespace HerokuMigrator.Operations;

/// <summary>
/// Writes down that the target is handed over. Where the answer to that is lost, it may have been done or not: it is asked for until it is known,
/// as the source may be opened again in the one case, and must not be in the other.
/// </summary>
internal sealed class PointOfNoReturn(MigrationSession session)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    /// <summary>True where nobody can tell whether it was passed: the source stays fenced then.</summary>
    public bool IsUnknown { get; private set; }

    public async Task PassAsync(CancellationToken cancellationToken)
    {
        try
        {
            await session.Store.SetSwitchedAsync(cancellationToken);
        }
        catch (Exception exception) when (exception is NpgsqlException or OperationCanceledException or IOException)
        {
            if (!await WasPassedAsync(exception))
            {
                throw;
            }
        }
    }

    private async Task<bool> WasPassedAsync(Exception cause)
    {
        using var limit = new CancellationTokenSource(Patience);
        IsUnknown = true;
        // The others have most likely gone with it.
        session.Target.Clear();
        while (true)
        {
            try
            {
                var passed = await session.Store.IsSwitchedAsync(limit.Token);
                IsUnknown = false;
                return passed;
            }
            catch (Exception exception) when (exception is NpgsqlException or OperationCanceledException or IOException)
            {
                if (limit.IsCancellationRequested)
                {
                    throw Errors.HandOverUnknown(session.Name, cause);
                }

                await Task.Delay(Pause, CancellationToken.None);
            }
        }
    }
}
