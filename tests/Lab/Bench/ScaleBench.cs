using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace HerokuMigrator.Lab;

/// <summary>What a migration of many small tables takes, part by part and a table; and how long its capture stalls a writer.</summary>
internal static class ScaleBench
{
    /// <summary>Seconds of each part of a start, as the state of the migration tells them.</summary>
    private const string PartsSql = """
        WITH phase AS (
            SELECT min(at) FILTER (WHERE message = 'Preparing -> Copying') AS copying, min(at) FILTER (WHERE message = 'Copying -> CatchingUp') AS catching_up,
                   min(at) FILTER (WHERE message LIKE '% -> Replicating') AS replicating FROM heroku_migrator.event WHERE kind = 'phase'),
        entry AS (
            SELECT min(done_at) FILTER (WHERE stage = 'BeforeData') AS first, max(done_at) FILTER (WHERE stage = 'BeforeData') AS made, max(done_at) FILTER (WHERE stage = 'Keys') AS keys,
                   min(done_at) FILTER (WHERE stage = 'AfterDrain') AS others, max(done_at) FILTER (WHERE stage = 'AfterDrain') AS complete FROM heroku_migrator.schema_entry)
        SELECT p.name, coalesce(extract(epoch FROM p.duration), 0)::float8 FROM phase, entry, migration m, LATERAL (VALUES
            ('checks, dump', first - m.started_at), ('schema', made - first), ('capture', copying - made), ('copy', catching_up - copying), ('keys after the copy', greatest(keys - catching_up, interval '0')),
            ('first drain', others - greatest(keys, catching_up)), ('indexes, constraints', complete - others), ('statistics, daemon', replicating - complete)) p(name, duration)
        """;

    public static async Task<int> RunAsync(LabArguments arguments, CancellationToken cancellationToken)
    {
        var program = arguments.Required("console");
        await Console.Out.WriteLineAsync(BenchMachine.Description);
        if ((int)arguments.Number("stall", 400) is > 0 and var stalled)
        {
            await MeasureStallAsync(program, stalled, stock: false, cancellationToken);
            await MeasureStallAsync(program, stalled, stock: true, cancellationToken);
        }

        foreach (var tables in (arguments.Text("tables") ?? "10,100,1000,5000").Split(',').Select(text => int.Parse(text, CultureInfo.InvariantCulture)).Where(tables => tables > 0))
        {
            await MeasureAsync(program, tables, cancellationToken);
        }

        return 0;
    }

    /// <summary>Room for the locks of a fence around them all, and of a run of Bucardo, on the source; the target has what a server comes with.</summary>
    private static PostgresServerOptions ManyLocks => new() { Settings = new Dictionary<string, string>(StringComparer.Ordinal) { ["max_locks_per_transaction"] = "2048" } };

    private static async Task MeasureAsync(string program, int tables, CancellationToken cancellationToken)
    {
        await using var source = await HerokuLikeServer.StartAsync(ManyLocks, cancellationToken);
        await using var target = await PlanetScaleLikeServer.StartAsync(ManyLocks, cancellationToken);
        await ManyTables.CreateAsync(source.Database, tables, rows: 10, keyless: 0, cancellationToken);
        var stateFolder = BenchMachine.CreateStateFolder();
        try
        {
            var face = new MeasuredProgram(program, source.Url, target.Url, stateFolder);
            var start = await face.RunAsync(["start"], cancellationToken);
            await face.RunAsync(["status", "--wait", "--timeout-sec", "600"], cancellationToken);
            var parts = await PartsAsync(target.Database, cancellationToken);
            var turn = await face.RunAsync(["switch", "--force", "--timeout-sec", "600"], cancellationToken);
            var pause = await ScalarAsync(
                target.Database, "SELECT extract(epoch FROM switched_at - coalesce(fence ->> 'fencedAt', fence ->> 'FencedAt')::timestamptz)::float8 FROM heroku_migrator.migration", cancellationToken);
            var complete = await face.RunAsync(["complete", "--force"], cancellationToken);
            await Console.Out.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{tables:#,0} tables; load {BenchMachine.Load}"));
            foreach (var (part, seconds) in parts.Append(("start in all", start)).Append(("switch in all", turn)).Append(("  of it write pause", pause)).Append(("complete in all", complete)))
            {
                await Console.Out.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"  {part,-22} {seconds,9:0.00} s {1000 * seconds / tables,9:0.0} ms a table"));
            }
        }
        finally
        {
            LeftoverProcesses.Kill(stateFolder);
            Directory.Delete(stateFolder, recursive: true);
        }
    }

    private static async Task MeasureStallAsync(string program, int tables, bool stock, CancellationToken cancellationToken)
    {
        await using var source = await HerokuLikeServer.StartAsync(ManyLocks, cancellationToken);
        await using var target = await PlanetScaleLikeServer.StartAsync(ManyLocks, cancellationToken);
        await ManyTables.CreateAsync(source.Database, tables, rows: 10, keyless: 0, cancellationToken);
        var stateFolder = BenchMachine.CreateStateFolder();
        try
        {
            await using var idle = new StallWatch(source.Database, tables);
            await Task.Delay(TimeSpan.FromSeconds(5), cancellationToken);
            var before = Longest(await idle.EndAsync());
            if (stock)
            {
                await CopySchemaAsync(target.Database, tables, cancellationToken);
            }

            await using var writers = new StallWatch(source.Database, tables);
            if (stock)
            {
                await using var bucardo = new StockBucardo(source.Database, target.Database, stateFolder);
                await bucardo.SetUpAsync(cancellationToken);
            }
            else
            {
                await new MeasuredProgram(program, source.Url, target.Url, stateFolder).RunAsync(["start"], cancellationToken);
            }

            var writes = await writers.EndAsync();
            var longest = Longest(writes, stock ? null : await CaptureAsync(target.Database, cancellationToken));
            var capture = stock ? "" : string.Create(CultureInfo.InvariantCulture, $", while it made its capture: {longest:0} ms");
            await Console.Out.WriteLineAsync(string.Create(
                CultureInfo.InvariantCulture,
                $"longest of {writes.Count:#,0} writes by {StallWatch.Writers} writers into {tables:#,0} tables while {(stock ? "stock Bucardo made its capture" : "ours started, from schema to replication")}: {Longest(writes):0} ms{capture}; in 5 s before: {before:0} ms; load {BenchMachine.Load}"));
        }
        finally
        {
            LeftoverProcesses.Kill(stateFolder);
            Directory.Delete(stateFolder, recursive: true);
        }
    }

    private static double Longest(IEnumerable<Write> writes, (DateTimeOffset From, DateTimeOffset To)? window = null) =>
        writes.Where(write => window is not { } within || (write.At + write.Took >= within.From && write.At <= within.To)).Max(write => write.Took.TotalMilliseconds);

    /// <summary>From the last entry of the schema on the target, where all of them come before the rows, to the first row.</summary>
    private static async Task<(DateTimeOffset From, DateTimeOffset To)> CaptureAsync(LabDatabase target, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(target.AdminConnectionString);
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(
            """
            SELECT (SELECT max(done_at) FROM heroku_migrator.schema_entry WHERE stage = 'BeforeData'),
                   (SELECT min(at) FROM heroku_migrator.event WHERE kind = 'phase' AND message = 'Preparing -> Copying')
            """, connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return (reader.GetFieldValue<DateTimeOffset>(0), reader.GetFieldValue<DateTimeOffset>(1));
    }

    /// <summary>The same tables, empty; Bucardo looks at both sides.</summary>
    private static async Task CopySchemaAsync(PlanetScaleLikeDatabase target, int tables, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(target.ConnectionString);
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(string.Create(CultureInfo.InvariantCulture, $$"""
            CREATE SCHEMA many;
            DO $do$ BEGIN FOR t IN 1..{{tables}} LOOP
                EXECUTE format('CREATE TABLE many.%I (id bigint PRIMARY KEY, parent bigint, reference text NOT NULL, note text, amount numeric(12, 2), at timestamptz NOT NULL)', 't' || t);
            END LOOP; END $do$
            """), connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static async Task<IReadOnlyList<(string Part, double Seconds)>> PartsAsync(LabDatabase target, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(target.AdminConnectionString);
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand("SET search_path = heroku_migrator; " + PartsSql, connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        List<(string, double)> parts = [];
        while (await reader.ReadAsync(cancellationToken))
        {
            parts.Add((reader.GetString(0), reader.GetDouble(1)));
        }

        return parts;
    }

    private static async Task<double> ScalarAsync(LabDatabase target, string sql, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(target.AdminConnectionString);
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync(cancellationToken) is double seconds ? seconds : 0;
    }
}

/// <summary>One write, by the clock of the machine that the servers run on too.</summary>
internal sealed record Write(DateTimeOffset At, TimeSpan Took);

/// <summary>Writers that note how long each write took; each is a transaction of one row in the next table.</summary>
internal sealed class StallWatch : IAsyncDisposable
{
    public const int Writers = 2;

    private readonly CancellationTokenSource _ended = new();
    private readonly Task<List<Write>>[] _writers;

    public StallWatch(HerokuLikeDatabase database, int tables) =>
        _writers = [.. Enumerable.Range(0, Writers).Select(number => Task.Run(() => WriteAsync(database, tables, number)))];

    public async Task<IReadOnlyList<Write>> EndAsync()
    {
        await _ended.CancelAsync();
        return [.. (await Task.WhenAll(_writers)).SelectMany(writes => writes)];
    }

    public async ValueTask DisposeAsync()
    {
        await EndAsync();
        _ended.Dispose();
    }

    private async Task<List<Write>> WriteAsync(HerokuLikeDatabase database, int tables, int number)
    {
        await using var connection = new NpgsqlConnection(database.ConnectionString);
        await connection.OpenAsync();
        List<Write> writes = [];
        for (var table = number * tables / Writers; !_ended.IsCancellationRequested; table++)
        {
            await using var command = new NpgsqlCommand(
                string.Create(CultureInfo.InvariantCulture, $"UPDATE many.t{1 + (table % tables)} SET note = 'written' WHERE id = 1"), connection) { CommandTimeout = 0 };
            var (at, watch) = (DateTimeOffset.UtcNow, Stopwatch.StartNew());
            await command.ExecuteNonQueryAsync();
            writes.Add(new Write(at, watch.Elapsed));
            await Task.Delay(1);
        }

        return writes;
    }
}
