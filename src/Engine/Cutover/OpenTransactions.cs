using HerokuMigrator.Operations;
using Npgsql;

namespace HerokuMigrator.Cutover;

/// <summary>
/// Transactions of the source that may have a large object open for writing. Such a descriptor keeps its right whatever is revoked later,
/// holds no lock that could be waited for, and needs no transaction id; so all that were open at a moment are waited for.
/// </summary>
internal static class OpenTransactions
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    /// <summary>Waits for those of now.</summary>
    /// <returns>What is still open after that time, each in words; empty where nothing is.</returns>
    public static async Task<IReadOnlyList<string>> WaitAsync(NpgsqlConnection source, TimeSpan patience, CancellationToken cancellationToken)
    {
        var until = DateTimeOffset.UtcNow + patience;
        var open = await ReadAsync(source, null, cancellationToken);
        while (open.Count > 0 && DateTimeOffset.UtcNow < until)
        {
            await Task.Delay(Pause, cancellationToken);
            open = await ReadAsync(source, [.. open.Select(transaction => transaction.Id)], cancellationToken);
        }

        return [.. open.Select(transaction => transaction.Session)];
    }

    private static Task<List<(string Id, string Session)>> ReadAsync(NpgsqlConnection source, string[]? among, CancellationToken cancellationToken) =>
        source.ListAsync(
            """
            SELECT DISTINCT l.virtualxid, 'pid ' || a.pid || ' (user ' || coalesce(a.usename, '?') || ', application ' || quote_literal(coalesce(a.application_name, '')) || ')'
            FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
            WHERE l.locktype = 'virtualxid' AND l.mode = 'ExclusiveLock' AND l.granted AND a.pid <> pg_backend_pid() AND a.usesysid IS NOT NULL
              AND a.datid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND ($1::text[] IS NULL OR l.virtualxid = ANY ($1::text[]))
            """,
            row => (row.GetString(0), row.GetString(1)),
            cancellationToken,
            [among]);
}
