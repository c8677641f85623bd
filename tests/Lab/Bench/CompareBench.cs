using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace HerokuMigrator.Lab;

/// <summary>How long a comparison takes beside the bare hash queries, both sides of these at the same time.</summary>
internal static class CompareBench
{
    private static readonly PostgresServerOptions Server = new()
    {
        Settings = new Dictionary<string, string> { ["shared_buffers"] = "'1GB'", ["max_wal_size"] = "'16GB'" },
    };

    /// <summary>A gigabyte in three shapes: narrow rows by number, wide rows by number, rows by random uuid.</summary>
    private const string TablesSql = """
        CREATE TABLE public.narrow (id bigint PRIMARY KEY, a integer, at timestamptz, amount numeric, note text);
        INSERT INTO public.narrow SELECT g, g % 1000, '2026-01-01'::timestamptz + g * interval '1 s', g / 7.0, md5(g::text) FROM generate_series(1, (3500000 * {0})::bigint) g;
        CREATE TABLE public.wide (id bigint PRIMARY KEY, body text);
        INSERT INTO public.wide SELECT g, (SELECT string_agg(md5((g * 50 + n)::text), ' ') FROM generate_series(1, 30) n) FROM generate_series(1, (300000 * {0})::bigint) g;
        CREATE TABLE public.scattered (id uuid PRIMARY KEY, a integer, body text);
        INSERT INTO public.scattered SELECT md5(g::text)::uuid, g, md5(g::text) || md5((-g)::text) FROM generate_series(1, (2200000 * {0})::bigint) g;
        """;

    private static readonly string[] Tables = ["wide", "narrow", "scattered"];

    public static async Task<int> RunAsync(LabArguments arguments, CancellationToken cancellationToken)
    {
        var program = arguments.Required("console");
        if (arguments.Number("soak", 0) is > 0 and var minutes)
        {
            return await CompareSoak.RunAsync(program, minutes, arguments.Number("rate", 300), cancellationToken);
        }

        var runs = (int)arguments.Number("runs", 3);
        await using var source = await HerokuLikeServer.StartAsync(Server, cancellationToken);
        await using var target = await PlanetScaleLikeServer.StartAsync(Server, cancellationToken);
        await ExecuteAsync(source.Database, string.Format(CultureInfo.InvariantCulture, TablesSql, arguments.Number("scale", 1)), cancellationToken);
        await source.Database.ExecuteAsync("VACUUM ANALYZE", cancellationToken);
        var folder = BenchMachine.CreateStateFolder();
        try
        {
            var face = new MeasuredProgram(program, source.Url, target.Url, folder);
            await face.RunAsync(["start"], cancellationToken);
            await target.Database.ExecuteAsync("VACUUM ANALYZE", cancellationToken);
            await Console.Out.WriteLineAsync($"{BenchMachine.Description}; {await SizeAsync(source.Database, cancellationToken)}");
            List<double> bare = [], ours = [];
            for (var run = 0; run < runs; run++)
            {
                bare.Add(await BareAsync(source.Database, target.Database, cancellationToken));
                ours.Add(await face.RunAsync(["verify"], cancellationToken));
                await Console.Out.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"bare {bare[^1]:0.0} s, verify {ours[^1]:0.0} s, load {BenchMachine.Load}"));
            }

            await Console.Out.WriteLineAsync(string.Create(
                CultureInfo.InvariantCulture, $"median: bare {BenchMachine.Median(bare):0.0} s, verify {BenchMachine.Median(ours):0.0} s, {BenchMachine.Median(ours) / BenchMachine.Median(bare):0.00} times as long"));
            await face.RunAsync(["stop", "--force"], cancellationToken);
            return 0;
        }
        finally
        {
            LeftoverProcesses.Kill(folder);
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>As psql would: one session a side, table after table, with whatever parallel plan the server chooses.</summary>
    private static async Task<double> BareAsync(LabDatabase source, LabDatabase target, CancellationToken cancellationToken)
    {
        var watch = Stopwatch.StartNew();
        await Task.WhenAll(HashAsync(source), HashAsync(target));
        return watch.Elapsed.TotalSeconds;

        Task HashAsync(LabDatabase database) => ExecuteAsync(
            database, "SET extra_float_digits = 3; " + string.Join("; ", Tables.Select(table => $"SELECT count(*), sum(hashtextextended(t::text, 0)) FROM public.{table} t")), cancellationToken);
    }

    private static async Task<string> SizeAsync(LabDatabase database, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(database.AdminConnectionString);
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(
            "SELECT count(*) || ' tables of ' || pg_size_pretty(sum(pg_table_size(oid))) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace", connection);
        return (string)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    private static async Task ExecuteAsync(LabDatabase database, string sql, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(database.ConnectionString);
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
