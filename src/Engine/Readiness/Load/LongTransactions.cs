using System.Globalization;

namespace HerokuMigrator.Readiness;

internal sealed class LongTransactions : IReadinessCheck
{
    /// <summary>Those that hold a table's lock against writers are told by <see cref="LocksHeld"/>.</summary>
    private const string Sql = $"""
        SELECT {SourceSession.Columns}, extract(epoch FROM clock_timestamp() - a.xact_start)::float8
        FROM pg_stat_activity a
        WHERE {SourceSession.Others} AND a.xact_start < clock_timestamp() - $1 * interval '1 second'
          AND a.pid NOT IN (SELECT l.pid FROM pg_locks l WHERE l.pid IS NOT NULL AND l.locktype = 'relation' AND l.granted AND l.relation >= 16384 AND l.mode IN {LocksHeld.InTheWay})
        ORDER BY a.xact_start
        """;

    public string Id => nameof(LongTransactions);

    public string Group => CheckGroup.Load;

    public string Title => "No transaction of the source is open for long";

    internal double LongSeconds { get; init; } = 60;

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        var limit = LongSeconds.ToString("0", CultureInfo.InvariantCulture);
        await using var source = await context.OpenSourceAsync(cancellationToken);
        var open = await source.ListAsync(Sql, SourceSession.Read, cancellationToken, LongSeconds);
        if (open.Count > 0)
        {
            return Finding.Warning(
                $"{FindingText.Count(open.Count, "transaction is", "transactions are")} open for more than {limit} s: {FindingText.Several(open.ConvertAll(one => one.Describe()))}.",
                "While it is open no dead row can be cleaned away, so the tables of captured changes, which are emptied all the time, grow; and where it writes later, capture and the fence wait for its end.",
                "-- wait until it has ended, or end what is not wanted, on the source:\n" + FindingText.Statements(open.Select(one => one.Terminate)),
                open.ConvertAll(one => one.Name));
        }

        return await SourceSession.SeesAllAsync(source, cancellationToken)
            ? Finding.Pass($"No transaction is open for more than {limit} s without a lock that LocksHeld would tell of.")
            : FindingText.Note(
                $"No transaction of this role is open for more than {limit} s; those of other roles cannot be seen.",
                "A long transaction keeps capture and the fence waiting; seeing it takes pg_read_all_stats.",
                []);
    }
}
