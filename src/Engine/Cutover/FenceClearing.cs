using System.Diagnostics;
using System.Globalization;
using HerokuMigrator.Capture;
using HerokuMigrator.Operations;
using Npgsql;

namespace HerokuMigrator.Cutover;

/// <summary>What is done about those who keep the fence out: a vacuum of the server's own gives way, a session is ended where that was asked for, and all are named.</summary>
internal sealed class FenceClearing(MigrationSession session, IReadOnlyList<string> tables, SwitchOptions options)
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(50);

    private readonly Dictionary<string, FenceBlocker> _met = new(StringComparer.Ordinal);

    /// <summary>All that were met, the longest transaction first.</summary>
    public IReadOnlyList<FenceBlocker> Met => [.. _met.Values.OrderByDescending(blocker => blocker.TransactionSeconds)];

    /// <summary>After an attempt that failed; returns who was in the way, in words.</summary>
    public async Task<string> RunAsync(NpgsqlConnection source, CancellationToken cancellationToken)
    {
        var blockers = await LockHolders.ReadAsync(source, tables, cancellationToken);
        foreach (var blocker in blockers)
        {
            var ended = options.TerminateBlockers && IsLong(blocker) && await TryEndAsync(source, blocker, cancellationToken);
            var key = string.Create(CultureInfo.InvariantCulture, $"{blocker.ProcessId} {blocker.PreparedTransaction}");
            _met[key] = blocker with { Ended = ended || (_met.TryGetValue(key, out var before) && before.Ended) };
        }

        return LockHolders.Describe(blockers);
    }

    /// <summary>
    /// Transactions that are older than an attempt is long will most likely outlast it, and writers would queue behind it for nothing. So they are waited for without a lock, for a while:
    /// what does not end by itself must be named by an attempt.
    /// </summary>
    public async Task WaitAsync(NpgsqlConnection source, Func<Task> meanwhileAsync, CancellationToken cancellationToken)
    {
        await meanwhileAsync();
        var clock = Stopwatch.StartNew();
        while (!options.TerminateBlockers && clock.Elapsed < LongestWait
            && (await LockHolders.ReadAsync(source, tables, cancellationToken)).Any(blocker => blocker is not { State: Autovacuum.State } && IsLong(blocker)))
        {
            await meanwhileAsync();
            await Task.Delay(BetweenLooks, cancellationToken);
        }

        // Last, as the server begins it anew after a while.
        foreach (var table in await Autovacuum.MakeGiveWayAsync(source, await LockHolders.ReadAsync(source, tables, cancellationToken), "the fence", session.Events, cancellationToken))
        {
            session.Events.Warning($"The autovacuum of {table} does not give way, most likely as it prevents a wraparound.");
        }
    }

    /// <summary>Longer than an attempt waits; a shorter one is a writer at work, who ends by himself and must not lose what he writes.</summary>
    private bool IsLong(FenceBlocker blocker) => blocker.TransactionSeconds * 1000 > options.LockTimeoutMs;

    private async Task<bool> TryEndAsync(NpgsqlConnection source, FenceBlocker blocker, CancellationToken cancellationToken)
    {
        if (blocker.ProcessId is not { } pid || blocker.Role.Length == 0)
        {
            return false;
        }

        try
        {
            var ended = await source.ScalarAsync<bool>("SELECT pg_terminate_backend($1)", cancellationToken, pid);
            session.Events.Warning($"Ended for the fence, its transaction is rolled back: {blocker}.");
            return ended;
        }
        catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            session.Events.Warning($"It may not be ended by this role: {blocker}: {exception.MessageText}.");
            return false;
        }
    }
}
