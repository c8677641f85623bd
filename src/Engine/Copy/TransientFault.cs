using HerokuMigrator.Operations;
using Npgsql;

namespace HerokuMigrator.Copy;

/// <summary>A connection that broke, a server that is started anew: worth another try, as what is there already is known.</summary>
internal static class TransientFault
{
    private static readonly TimeSpan[] Pauses = [.. new[] { 1, 2, 4, 8, 15, 30, 30, 30 }.Select(seconds => TimeSpan.FromSeconds(seconds))];

    public static async Task RetryAsync(MigrationSession session, string what, Func<Task> work, CancellationToken cancellationToken)
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                await work();
                return;
            }
            catch (MigrationException exception) when (attempt < Pauses.Length && Is(exception.InnerException))
            {
                session.Events.Warning($"{exception.Message} The next attempt at {what} follows in {Pauses[attempt].TotalSeconds:0} s.");
                await Task.Delay(Pauses[attempt], cancellationToken);
            }
        }
    }

    public static bool Is(Exception? exception) => exception switch
    {
        PostgresException refused => refused.SqlState is PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown or PostgresErrorCodes.CannotConnectNow
            or PostgresErrorCodes.TooManyConnections or PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.LockNotAvailable
            || refused.SqlState.StartsWith("08", StringComparison.Ordinal),
        NpgsqlException or IOException => true,
        _ => false,
    };
}
