using HerokuMigrator.Lab;
using Npgsql;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>
/// Servers of its own, where nothing but the report runs: no autovacuum, no other spec. Several sessions look at what the report does to them while it is made.
/// </summary>
public sealed class ReadinessUnderLoad : IAsyncLifetime
{
    /// <summary>Everything that a catalog holds, a line each: table and hash.</summary>
    private const string CatalogTablesSql = "SELECT oid::regclass::text FROM pg_class WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind = 'r' ORDER BY 1";

    /// <summary>Sequential scans are left out: text keys are sampled.</summary>
    private const string CountersSql = """
        SELECT coalesce(string_agg(concat_ws(' ', schemaname, relname, idx_scan, n_tup_ins, n_tup_upd, n_tup_del, n_tup_hot_upd, n_live_tup, n_dead_tup,
                   n_mod_since_analyze, vacuum_count, analyze_count, autovacuum_count, autoanalyze_count), E'\n' ORDER BY relid), '')
        FROM pg_stat_user_tables
        """;

    private readonly List<NpgsqlConnection> _sessions = [];
    private HerokuLikeServer? _source;
    private PlanetScaleLikeServer? _target;
    private LabMove? _move;

    public ReadinessReport Report { get; private set; } = null!;

    /// <summary>Content of the catalogs and counters of both sides, before and after.</summary>
    public string Before { get; private set; } = "";

    public string After { get; private set; } = "";

    /// <summary>Locks of ours on users' relations that are more than ACCESS SHARE, or on sequences more than what nextval takes.</summary>
    public IReadOnlyCollection<string> StrongLocks { get; private set; } = [];

    /// <summary>Times that a session of ours was seen holding or awaiting a lock.</summary>
    public int Sightings { get; private set; }

    /// <summary>Transactions on every table but the locked one that were committed while the report was made.</summary>
    public int Commits { get; private set; }

    public async ValueTask InitializeAsync()
    {
        var token = CancellationToken.None;
        var options = new PostgresServerOptions { Settings = new Dictionary<string, string>(StringComparer.Ordinal) { ["autovacuum"] = "off" } };
        _source = await HerokuLikeServer.StartAsync(options, token);
        _target = await PlanetScaleLikeServer.StartAsync(options, token);
        _move = new LabMove(await _source.CreateDatabaseAsync(token), await _target.CreateDatabaseAsync(token));
        await ShopSchema.CreateAsync(_move.Source, scale: 0.05, token);
        await _move.Source.ExecuteAsOwnerAsync("CREATE TABLE public.\"Käse.Bröt\" (id bigint PRIMARY KEY, note text); CREATE TABLE public.written (id bigint PRIMARY KEY, note text)", token);
        var tables = await _move.AskSourceAsync<string[]>(
            """
            SELECT array_agg(format('%I.%I', n.nspname, c.relname)) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND c.relname <> 'Käse.Bröt'
            """,
            token);
        await OpenAsync("LOCK TABLE public.\"Käse.Bröt\" IN ACCESS EXCLUSIVE MODE", token);
        await OpenAsync($"LOCK TABLE {string.Join(", ", tables!.Select(table => "ONLY " + table))} IN ROW EXCLUSIVE MODE", token);
        Before = await StateAsync(token);

        using var end = new CancellationTokenSource();
        var looking = LookAsync(end.Token);
        var writing = WriteAsync(tables!, end.Token);
        Report = await ReadinessRunner.RunAsync(_move.Options);
        await end.CancelAsync();
        await Task.WhenAll(looking, writing);
        After = await StateAsync(token);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var session in _sessions)
        {
            await session.DisposeAsync();
        }

        foreach (var part in new IAsyncDisposable?[] { _move, _source, _target })
        {
            if (part is not null)
            {
                await part.DisposeAsync();
            }
        }
    }

    private async Task OpenAsync(string sql, CancellationToken cancellationToken)
    {
        var connection = new NpgsqlConnection(_move!.Source.AdminConnectionString);
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand("BEGIN; " + sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
        _sessions.Add(connection);
    }

    private async Task<string> StateAsync(CancellationToken cancellationToken) =>
        "source\n" + await StateAsync(_move!.Source, cancellationToken) + "\ntarget\n" + await StateAsync(_move.Target, cancellationToken);

    private static async Task<string> StateAsync(LabDatabase database, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(database.AdminConnectionString);
        await connection.OpenAsync(cancellationToken);
        // A session hands in its counters when it ends.
        while (await AskAsync<bool>(connection, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name ~ '^heroku-migrator')", cancellationToken))
        {
            await Task.Delay(10, cancellationToken);
        }

        List<string> lines = [await AskAsync<string>(connection, CountersSql, cancellationToken)];
        await using var list = new NpgsqlCommand(CatalogTablesSql, connection);
        List<string> catalogs = [];
        await using (var reader = await list.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                catalogs.Add(reader.GetString(0));
            }
        }

        foreach (var catalog in catalogs)
        {
            lines.Add(catalog + " " + await AskAsync<string>(connection, $"SELECT coalesce(md5(string_agg(t::text, E'\\n' ORDER BY t::text)), '') FROM pg_catalog.{catalog} t", cancellationToken));
        }

        return string.Join('\n', lines);
    }

    /// <summary>A relation that cannot be seen is one that a probe has made and not committed.</summary>
    private async Task LookAsync(CancellationToken end)
    {
        await using var connection = new NpgsqlConnection(_move!.Source.AdminConnectionString);
        await connection.OpenAsync(CancellationToken.None);
        HashSet<string> strong = new(StringComparer.Ordinal);
        while (!end.IsCancellationRequested)
        {
            await using var command = new NpgsqlCommand(
                """
                SELECT format('%s on %I.%I', l.mode, n.nspname, c.relname),
                       -- To ask a sequence for its last value takes the lock that nextval takes: no writer waits for it.
                       l.mode <> 'AccessShareLock' AND NOT (c.relkind = 'S' AND l.mode = 'RowExclusiveLock') AND n.nspname !~ '^pg_'
                FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE l.locktype = 'relation' AND a.application_name ~ '^heroku-migrator'
                """,
                connection);
            await using var reader = await command.ExecuteReaderAsync(CancellationToken.None);
            while (await reader.ReadAsync(CancellationToken.None))
            {
                Sightings++;
                if (reader.GetBoolean(1))
                {
                    strong.Add(reader.GetString(0));
                }
            }
        }

        StrongLocks = strong;
    }

    /// <summary>Takes the lock of a writer on every table, one after the other, and gives up where one is not there soon; writes nothing, as counters are compared.</summary>
    private async Task WriteAsync(string[] tables, CancellationToken end)
    {
        await using var connection = new NpgsqlConnection(_move!.Source.AdminConnectionString);
        await connection.OpenAsync(CancellationToken.None);
        while (!end.IsCancellationRequested)
        {
            foreach (var table in tables)
            {
                await using var command = new NpgsqlCommand($"BEGIN; SET LOCAL lock_timeout = '50ms'; LOCK TABLE ONLY {table} IN ROW EXCLUSIVE MODE; COMMIT", connection);
                await command.ExecuteNonQueryAsync(CancellationToken.None);
                Commits++;
            }

            await Task.Delay(5, CancellationToken.None);
        }
    }

    private static async Task<T> AskAsync<T>(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return (T)(await command.ExecuteScalarAsync(cancellationToken))!;
    }
}
