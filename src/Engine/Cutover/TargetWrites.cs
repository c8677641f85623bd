using System.Text.Json;
using HerokuMigrator.Catalog;
using HerokuMigrator.Operations;
using Npgsql;

namespace HerokuMigrator.Cutover;

/// <summary>Finds the tables that were written on the target after a switch, by the server's own counters.</summary>
internal sealed class TargetWrites(MigrationSession session)
{
    /// <summary>Idle sessions hand in their counts after ten seconds at the latest.</summary>
    private static readonly TimeSpan CountersAreInAfter = TimeSpan.FromSeconds(11);

    private Dictionary<string, string>? _seen;

    /// <summary>To be called when the target is complete and before anybody is told so.</summary>
    public async Task RememberAsync(CancellationToken cancellationToken)
    {
        await using var target = await OpenAfterOwnSessionsAsync(cancellationToken);
        var remembered = new Remembered(await ReadEpochAsync(target, cancellationToken), await ReadAsync(target, cancellationToken));
        await session.Store.SaveTargetWritesAsync(JsonSerializer.Serialize(remembered), cancellationToken);
    }

    /// <summary>Schema-qualified names of tables whose counters moved since <see cref="RememberAsync"/>; all of them, where the server has lost its counters.</summary>
    public async Task<IReadOnlyList<string>> FindAsync(IReadOnlyList<string> all, CancellationToken cancellationToken)
    {
        var json = await session.Store.ReadTargetWritesAsync(cancellationToken);
        await using var target = await session.OpenTargetAsync(cancellationToken);
        await WaitForCountersAsync(target, cancellationToken);
        _seen = await ReadAsync(target, cancellationToken);
        if (json is null)
        {
            return [];
        }

        var before = JsonSerializer.Deserialize<Remembered>(json)!;
        if (before.Epoch != await ReadEpochAsync(target, cancellationToken))
        {
            session.Events.Warning("The target's server was started again since the switch, or its counters were reset: they cannot tell which tables were written there, so all are copied anew.");
            return all;
        }

        return Moved(before.Counters, _seen, []);
    }

    /// <summary>The same since the last look; for the tables that were copied since then nobody can tell.</summary>
    public async Task<IReadOnlyList<string>> FindLaterAsync(IReadOnlyList<string> copied, CancellationToken cancellationToken)
    {
        await using var target = await OpenAfterOwnSessionsAsync(cancellationToken);
        await WaitForCountersAsync(target, cancellationToken);
        var before = _seen!;
        _seen = await ReadAsync(target, cancellationToken);
        return Moved(before, _seen, copied);
    }

    /// <summary>Sessions hand in their counts when they end, at the latest: those of our copies must not look like writes of others.</summary>
    private async Task<NpgsqlConnection> OpenAfterOwnSessionsAsync(CancellationToken cancellationToken)
    {
        session.Target.Clear();
        var target = await session.OpenTargetAsync(cancellationToken);
        for (var wait = 0; wait < 50 && await OwnSessionsAsync(target, cancellationToken) > 1; wait++)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(10), cancellationToken);
        }

        return target;
    }

    private static IReadOnlyList<string> Moved(Dictionary<string, string> before, Dictionary<string, string> now, IReadOnlyList<string> except) =>
        [.. now.Where(table => before.GetValueOrDefault(table.Key) != table.Value).Select(table => table.Key).Except(except, StringComparer.Ordinal).Order(StringComparer.Ordinal)];

    private static async Task WaitForCountersAsync(NpgsqlConnection target, CancellationToken cancellationToken)
    {
        var others = await target.ScalarAsync<bool>(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid() AND application_name !~ '^heroku-migrator')",
            cancellationToken);
        if (others)
        {
            await Task.Delay(CountersAreInAfter, cancellationToken);
        }
    }

    /// <summary>Counters are comparable within one run of the server, and between two resets. A crash drops them all, and resets those of the server too.</summary>
    private static async Task<string> ReadEpochAsync(NpgsqlConnection target, CancellationToken cancellationToken) =>
        (await target.ScalarAsync<string>(
            """
            SELECT concat_ws('/', pg_postmaster_start_time(), (SELECT stats_reset FROM pg_stat_bgwriter), (SELECT stats_reset FROM pg_stat_database WHERE datname = current_database()))
            """,
            cancellationToken))!;

    /// <summary>Sessions of ours beside the asking one, and those that only read; the operator lock's is always there, and writes nothing.</summary>
    private static Task<long> OwnSessionsAsync(NpgsqlConnection target, CancellationToken cancellationToken) =>
        target.ScalarAsync<long>(
            """
            SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name ~ '^(heroku-migrator|bucardo) ' AND application_name <> $1::name::text
            """,
            cancellationToken, MigrationSession.TargetReaderName);

    private static async Task<Dictionary<string, string>> ReadAsync(NpgsqlConnection target, CancellationToken cancellationToken)
    {
        var rows = await target.ListAsync(
            $"""
            SELECT n.nspname, c.relname, (pg_stat_get_tuples_inserted(c.oid) + pg_stat_get_tuples_updated(c.oid) + pg_stat_get_tuples_deleted(c.oid))::text
                   -- TRUNCATE counts no row, but gives the table a new file.
                   || '/' || pg_relation_filenode(c.oid)::text
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND {UserObjects.RelationFilter}
            """,
            row => (Table: SqlName.Qualify(row.GetString(0), row.GetString(1)), Writes: row.GetString(2)),
            cancellationToken);
        return rows.ToDictionary(row => row.Table, row => row.Writes, StringComparer.Ordinal);
    }

    private sealed record Remembered(string Epoch, Dictionary<string, string> Counters);
}
