using Npgsql;

namespace HerokuMigrator.Capture;

/// <summary>
/// Vacuums that the source's server began by itself. Each gives way to a lock that has waited for deadlock_timeout (1 s), which is longer than anything waits here that writers queue behind:
/// without this a large table would keep its triggers, or the fence, out for hours.
/// </summary>
internal static class Autovacuum
{
    /// <summary>As <see cref="LockHolders"/> tells them.</summary>
    public const string State = "autovacuum";

    private const string Patience = "2500";

    /// <summary>Takes a lock that such a vacuum gives way to, and that holds back no writer meanwhile. The server begins it anew after a while.</summary>
    /// <param name="source">No transaction is open.</param>
    /// <param name="blockers">All who are in the way; others than vacuums are left alone.</param>
    /// <param name="purpose">What it gives way to, as it is told.</param>
    /// <param name="events">Hears of each that has given way.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Tables whose vacuum stays: one that prevents a wraparound gives way to nobody.</returns>
    public static async Task<IReadOnlyList<string>> MakeGiveWayAsync(
        NpgsqlConnection source, IReadOnlyList<FenceBlocker> blockers, string purpose, IOperationEvents events, CancellationToken cancellationToken)
    {
        var staying = new List<string>();
        foreach (var table in blockers.Where(blocker => blocker is { State: State }).SelectMany(blocker => blocker.Tables).Distinct(StringComparer.Ordinal))
        {
            try
            {
                await using var transaction = await source.BeginTransactionAsync(cancellationToken);
                await source.ExecuteAsync($"SET LOCAL lock_timeout = {Patience}; LOCK TABLE ONLY {table} IN SHARE UPDATE EXCLUSIVE MODE", cancellationToken);
                events.Verbose($"The autovacuum of {table} has given way to {purpose}; the server makes it again later.");
            }
            catch (PostgresException exception) when (exception.SqlState is PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.InsufficientPrivilege)
            {
                staying.Add(table);
            }
        }

        return staying;
    }
}
