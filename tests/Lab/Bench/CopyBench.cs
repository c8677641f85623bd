using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace HerokuMigrator.Lab;

/// <summary>One database, copied by several ways in turn.</summary>
internal static class CopyBench
{
    /// <summary>Both servers alike; the usual ones of the lab are small and do not sync.</summary>
    private static readonly PostgresServerOptions Server = new()
    {
        Settings = new Dictionary<string, string>
        {
            ["shared_buffers"] = "'1GB'", ["max_wal_size"] = "'16GB'", ["fsync"] = "on", ["full_page_writes"] = "on", ["checkpoint_timeout"] = "'15min'", ["maintenance_work_mem"] = "'256MB'",
        },
    };

    /// <summary>What of our time went into what, in seconds, as the state tells it.</summary>
    private const string PartsSql = """
        WITH p AS (SELECT message, at FROM heroku_migrator.event WHERE kind = 'phase')
        SELECT extract(epoch FROM (SELECT max(at) FROM p WHERE message LIKE '% -> Copying') - (SELECT started_at FROM heroku_migrator.migration))::float8,
               extract(epoch FROM (SELECT max(at) FROM p WHERE message LIKE '% -> CatchingUp') - (SELECT max(at) FROM p WHERE message LIKE '% -> Copying'))::float8,
               extract(epoch FROM (SELECT min(done_at) FROM heroku_migrator.schema_entry WHERE stage = 'AfterDrain') - (SELECT max(at) FROM p WHERE message LIKE '% -> CatchingUp'))::float8,
               extract(epoch FROM (SELECT max(done_at) - min(done_at) FROM heroku_migrator.schema_entry WHERE stage = 'AfterDrain'))::float8,
               extract(epoch FROM (SELECT max(at) FROM p WHERE message LIKE '% -> Replicating') - (SELECT max(done_at) FROM heroku_migrator.schema_entry WHERE stage = 'AfterDrain'))::float8
        """;

    private sealed record Options(string Program, int Jobs, HerokuLikeServer Source, PlanetScaleLikeServer Target, bool WatchesTimeLeft);

    public static async Task<int> RunAsync(LabArguments arguments, CancellationToken cancellationToken)
    {
        var program = arguments.Required("console");
        var runs = (int)arguments.Number("runs", 3);
        var ways = (arguments.Text("ways") ?? "ours,floor,dump,pgcopydb,onetimecopy").Split(',');
        await using var source = await HerokuLikeServer.StartAsync(Server, cancellationToken);
        await using var target = await PlanetScaleLikeServer.StartAsync(Server, cancellationToken);
        await LabSchema.LoadAsync(source.Database, ["copy-bench.sql"], arguments.Number("scale", 1), cancellationToken);
        await source.Database.ExecuteAsync("VACUUM ANALYZE", cancellationToken);
        var options = new Options(program, (int)arguments.Number("jobs", 2), source, target, arguments.Has("time-left"));
        await Console.Out.WriteLineAsync($"{BenchMachine.Description}, {options.Jobs} jobs; {await SizeAsync(source.Database, cancellationToken)}");
        string[] once = arguments.Text("once")?.Split(',') ?? [];
        ways = [.. ways.Except(once, StringComparer.Ordinal)];
        var seconds = ways.Concat(once).ToDictionary(way => way, _ => new List<double>());
        // A new cluster has its log files to make, which whoever came first would pay for all.
        await MeasureAsync(ways[0], options with { WatchesTimeLeft = false }, cancellationToken);
        for (var run = 0; run < runs; run++)
        {
            foreach (var way in run == 0 ? ways.Concat(once) : ways)
            {
                var took = await MeasureAsync(way, options, cancellationToken);
                seconds[way].Add(took.Seconds);
                await Console.Out.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{way,-12} {took.Seconds,7:0.0} s  {took.Parts}  load {BenchMachine.Load}"));
            }
        }

        await WriteSummaryAsync(seconds);
        return 0;
    }

    private static async Task WriteSummaryAsync(Dictionary<string, List<double>> seconds)
    {
        var floor = seconds.TryGetValue("floor", out var known) ? BenchMachine.Median(known) : (double?)null;
        await Console.Out.WriteLineAsync("\nway            median   to the floor");
        foreach (var (way, all) in seconds)
        {
            var median = BenchMachine.Median(all);
            await Console.Out.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{way,-12} {median,7:0.0} s  {(floor is { } least ? median / least : double.NaN),6:0.00}"));
        }
    }

    private static async Task<(double Seconds, string Parts)> MeasureAsync(string way, Options options, CancellationToken cancellationToken)
    {
        await using var target = await options.Target.CreateDatabaseAsync(cancellationToken);
        // The pages that the run before has left to write are not to be written during this one.
        await options.Source.Server.ExecuteAsync("postgres", "CHECKPOINT", cancellationToken);
        await options.Target.Server.ExecuteAsync("postgres", "CHECKPOINT", cancellationToken);
        var folder = BenchMachine.CreateStateFolder();
        try
        {
            var watch = Stopwatch.StartNew();
            var parts = way switch
            {
                "ours" => await MigrateAsync(options, target, folder, watch, cancellationToken),
                "onetimecopy" => await OneTimeCopyAsync(options, target, folder, watch, cancellationToken),
                _ => await ScriptAsync(CopyWays.Scripts[way], options, target, folder, watch, cancellationToken),
            };
            var seconds = watch.Elapsed.TotalSeconds;
            await CheckAsync(options.Source.Database, target, cancellationToken);
            if (way == "ours")
            {
                await Face(options, target, folder).RunAsync(["stop", "--force"], cancellationToken);
            }

            return (seconds, parts);
        }
        finally
        {
            LeftoverProcesses.Kill(folder);
            Directory.Delete(folder, recursive: true);
        }
    }

    private static MeasuredProgram Face(Options options, LabDatabase target, string folder) => new(options.Program, options.Source.Url, target.Url, folder);

    private static async Task<string> MigrateAsync(Options options, LabDatabase target, string folder, Stopwatch watch, CancellationToken cancellationToken)
    {
        await using var timeLeft = options.WatchesTimeLeft ? new TimeLeftWatch(target) : null;
        await Face(options, target, folder).RunAsync(["start"], cancellationToken);
        watch.Stop();
        if (timeLeft is not null)
        {
            await Console.Out.WriteLineAsync(await timeLeft.DescribeAsync(50, cancellationToken));
        }

        await using var connection = new NpgsqlConnection(target.AdminConnectionString);
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(PartsSql, connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"schema and capture {reader.GetDouble(0):0.0}, rows and keys {reader.GetDouble(1):0.0}, first drain {reader.GetDouble(2):0.0}, indexes and constraints {reader.GetDouble(3):0.0}, analyse and replication {reader.GetDouble(4):0.0}");
    }

    private static async Task<string> ScriptAsync(string script, Options options, LabDatabase target, string folder, Stopwatch watch, CancellationToken cancellationToken)
    {
        var began = DateTimeOffset.UtcNow;
        await CopyWays.RunAsync(script, options.Source.Url, target.Url, options.Jobs, folder, cancellationToken);
        watch.Stop();
        return File.Exists(Path.Combine(folder, "built"))
            ? string.Create(CultureInfo.InvariantCulture, $"schema and rows {Mark("copied") - Epoch(began):0.0}, keys, indexes and constraints {Mark("built") - Mark("copied"):0.0}")
            : "";

        double Mark(string name) => double.Parse(File.ReadAllText(Path.Combine(folder, name)), CultureInfo.InvariantCulture);
        static double Epoch(DateTimeOffset at) => at.ToUnixTimeMilliseconds() / 1000.0;
    }

    private static async Task<string> OneTimeCopyAsync(Options options, LabDatabase target, string folder, Stopwatch watch, CancellationToken cancellationToken)
    {
        await CopyWays.RunAsync(CopyWays.FullSchema, options.Source.Url, target.Url, options.Jobs, folder, cancellationToken);
        await using var stock = new StockBucardo(options.Source.Database, target, folder);
        await stock.CopyAsync(cancellationToken);
        watch.Stop();
        await stock.DisposeAsync();
        await options.Source.Database.ExecuteAsync("DROP SCHEMA bucardo CASCADE; DROP SCHEMA heroku_migrator CASCADE", cancellationToken);
        return "";
    }

    /// <summary>A way that is fast because it left something out is none.</summary>
    private static async Task CheckAsync(LabDatabase source, LabDatabase target, CancellationToken cancellationToken)
    {
        const string Sql = """
            SELECT string_agg(line, E'\n' ORDER BY line) FROM (
                SELECT format('%s %s %s', c.relname, (xpath('/row/c/text()', query_to_xml(format('SELECT count(*) AS c FROM public.%I', c.relname), false, true, '')))[1],
                    (SELECT count(*) FROM pg_index i WHERE i.indrelid = c.oid AND i.indisvalid) + (SELECT count(*) FROM pg_constraint k WHERE k.conrelid = c.oid AND k.convalidated)) AS line
                FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace) lines
            """;
        var (left, right) = (await ScalarAsync(source, Sql, cancellationToken), await ScalarAsync(target, Sql, cancellationToken));
        if (left != right)
        {
            throw new LabException($"The copy is not complete.\nsource:\n{left}\ntarget:\n{right}");
        }
    }

    private static async Task<string> SizeAsync(LabDatabase source, CancellationToken cancellationToken) => (await ScalarAsync(
        source,
        """
        SELECT count(*) || ' tables of ' || pg_size_pretty(sum(pg_table_size(oid))) || ' with ' || pg_size_pretty(sum(pg_indexes_size(oid))) || ' of indexes'
        FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
        """,
        cancellationToken))!;

    private static async Task<string?> ScalarAsync(LabDatabase database, string sql, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(database.AdminConnectionString);
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        return await command.ExecuteScalarAsync(cancellationToken) as string;
    }
}
