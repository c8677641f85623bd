using System.Globalization;
using HerokuMigrator.Catalog;
using Npgsql;

namespace HerokuMigrator.Readiness;

internal sealed class LocksHeld : IReadinessCheck
{
    /// <summary>Every mode that SHARE ROW EXCLUSIVE, which capture and the fence take, must wait for.</summary>
    public const string InTheWay = "('RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')";

    /// <summary>A lock's age is not known; it is no older than its transaction. Where that may not be seen, only modes count that no ordinary write takes.</summary>
    private const string Sql = $"""
        SELECT {SourceSession.Columns}, extract(epoch FROM clock_timestamp() - a.xact_start)::float8, n.nspname, c.relname, l.mode
        FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
        JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE l.locktype = 'relation' AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
          AND l.granted AND l.mode IN {InTheWay} AND c.relkind IN ('r', 'p') AND {UserObjects.RelationFilter} AND {SourceSession.Others}
          AND (a.xact_start < clock_timestamp() - $1 * interval '1 second' OR a.xact_start IS NULL AND l.mode <> 'RowExclusiveLock')
          AND a.pid NOT IN (SELECT pid FROM pg_stat_progress_create_index UNION ALL SELECT pid FROM pg_stat_progress_cluster UNION ALL SELECT pid FROM pg_stat_progress_vacuum)
        ORDER BY a.xact_start, a.pid, n.nspname, c.relname, l.mode
        """;

    private const string WaitingSql = $"""
        SELECT {SourceSession.Columns}, extract(epoch FROM clock_timestamp() - a.query_start)::float8, n.nspname, c.relname, l.mode
        FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
        JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE l.locktype = 'relation' AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
          AND NOT l.granted AND c.relkind IN ('r', 'p') AND {UserObjects.RelationFilter} AND {SourceSession.Others}
          AND a.query_start < clock_timestamp() - $1 * interval '1 second'
        ORDER BY a.query_start, a.pid, n.nspname, c.relname, l.mode
        """;

    internal sealed record Lock(SourceSession Session, string Relation, string Mode);

    public string Id => nameof(LocksHeld);

    public string Group => CheckGroup.Load;

    public string Title => "No lock is held for long that capture or the fence would wait for";

    internal double LongSeconds { get; init; } = 5;

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        var held = await ReadHeldAsync(source, LongSeconds, cancellationToken);
        var waiting = await ReadAsync(source, WaitingSql, LongSeconds, cancellationToken);
        if (held.Count + waiting.Count == 0)
        {
            return Finding.Pass(string.Create(CultureInfo.InvariantCulture, $"No table has been locked for more than {LongSeconds:0} s in a way that capture or the fence would wait for."));
        }

        List<string> texts = [.. BySession(held, "open for", "holds"), .. BySession(waiting, "waiting for", "waits for")];
        return Finding.Warning(
            $"{FindingText.Count(texts.Count, "session stands", "sessions stand")} in the way of locks on tables: {FindingText.Several(texts)}.",
            "Capture and the fence lock tables against writers for a moment. They wait until these transactions have ended, and give up after 10 minutes a table, or 120 s for the whole switch.",
            "-- wait until they have ended, or end those that are not wanted, on the source:\n" + FindingText.Statements(held.Concat(waiting).Select(one => one.Session.Terminate)),
            [.. held.Concat(waiting).Select(one => one.Relation).Distinct(StringComparer.Ordinal)]);
    }

    /// <summary>Locks of transactions that have been open for so long.</summary>
    internal static Task<List<Lock>> ReadHeldAsync(NpgsqlConnection source, double longSeconds, CancellationToken cancellationToken) =>
        ReadAsync(source, Sql, longSeconds, cancellationToken);

    private static Task<List<Lock>> ReadAsync(NpgsqlConnection source, string sql, double longSeconds, CancellationToken cancellationToken) =>
        source.ListAsync(
            sql, row => new Lock(SourceSession.Read(row), SqlName.Qualify(row.GetString(5), row.GetString(6)), row.GetString(7)), cancellationToken, longSeconds);

    /// <summary>Each session with what it locks, in words.</summary>
    internal static IEnumerable<string> BySession(List<Lock> locks, string since, string verb) =>
        locks.GroupBy(one => one.Session.Pid).Select(session =>
            $"{session.First().Session.Describe(since)} {verb} {string.Join(", ", session.Take(3).Select(one => $"{one.Mode} on {one.Relation}"))}"
            + (session.Count() > 3 ? $" and {session.Count() - 3} more" : ""));
}
