using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace HerokuMigrator.Lab;

/// <summary>How long a backlog takes to drain, and how much memory: by Bucardo as it comes, and by ours. Fresh servers for each point.</summary>
internal static class CatchUpBench
{
    private const string Sentinel = "INSERT INTO heroku_migrator.sentinel (id, mark) VALUES (1, 'bench') ON CONFLICT (id) DO UPDATE SET mark = excluded.mark";
    private const string Arrived = "SELECT EXISTS (SELECT FROM heroku_migrator.sentinel WHERE mark = 'bench')";

    public static async Task<int> RunAsync(LabArguments arguments, CancellationToken cancellationToken)
    {
        var program = arguments.Required("console");
        var limit = TimeSpan.FromSeconds(arguments.Number("limit", 900));
        var ways = (arguments.Text("ways") ?? "stock,ours").Split(',');
        await Console.Out.WriteLineAsync($"{BenchMachine.Description}; each change a transaction of its own, in one table");
        foreach (var changes in (arguments.Text("changes") ?? "50000,100000,200000,400000").Split(',').Select(text => int.Parse(text, CultureInfo.InvariantCulture)).Where(changes => changes > 0))
        {
            foreach (var way in ways)
            {
                await TellAsync($"{changes:#,0} changes, {way}", await MeasureAsync(program, way, changes, limit, cancellationToken), limit);
            }
        }

        if ((int)arguments.Number("bulk", 5_000_000) is > 0 and var rows)
        {
            await TellAsync($"{rows:#,0} rows changed by one UPDATE while ours was suspended", await MeasureBulkAsync(program, rows, suspended: true, limit, cancellationToken), limit);
            await TellAsync($"{rows:#,0} rows changed by one UPDATE while ours replicated", await MeasureBulkAsync(program, rows, suspended: false, limit, cancellationToken), limit);
        }

        return 0;
    }

    private sealed record Outcome(double? Seconds, double Bucardo, double Together);

    private static Task TellAsync(string what, Outcome outcome, TimeSpan limit) => Console.Out.WriteLineAsync(string.Create(
        CultureInfo.InvariantCulture,
        $"{what}: {(outcome.Seconds is { } seconds ? $"{seconds:0.0} s" : $"not done after {limit.TotalSeconds:0} s")}; largest Bucardo process {outcome.Bucardo:0} MB, all together {outcome.Together:0} MB at most; load {BenchMachine.Load}"));

    private static async Task<Outcome> MeasureAsync(string program, string way, int changes, TimeSpan limit, CancellationToken cancellationToken)
    {
        await using var source = await HerokuLikeServer.StartAsync(cancellationToken);
        await using var target = await PlanetScaleLikeServer.StartAsync(cancellationToken);
        var stateFolder = BenchMachine.CreateStateFolder();
        try
        {
            await CreateAsync(source.Database, changes, cancellationToken);
            return way switch
            {
                "stock" => await MeasureStockAsync(source.Database, target.Database, stateFolder, changes, limit, cancellationToken),
                "ours" => await MeasureOursAsync(new MeasuredProgram(program, source.Url, target.Url, stateFolder), source.Database, target.Database, ChangeOneByOne(changes), suspended: true, limit, cancellationToken),
                _ => throw new LabUsageException($"'{way}' is neither stock nor ours."),
            };
        }
        finally
        {
            LeftoverProcesses.Kill(stateFolder);
            Directory.Delete(stateFolder, recursive: true);
        }
    }

    private static async Task<Outcome> MeasureBulkAsync(string program, int rows, bool suspended, TimeSpan limit, CancellationToken cancellationToken)
    {
        await using var source = await HerokuLikeServer.StartAsync(cancellationToken);
        await using var target = await PlanetScaleLikeServer.StartAsync(cancellationToken);
        var stateFolder = BenchMachine.CreateStateFolder();
        try
        {
            await CreateAsync(source.Database, rows, cancellationToken);
            return await MeasureOursAsync(
                new MeasuredProgram(program, source.Url, target.Url, stateFolder), source.Database, target.Database, "UPDATE public.bench SET n = n + 1", suspended, limit, cancellationToken);
        }
        finally
        {
            LeftoverProcesses.Kill(stateFolder);
            Directory.Delete(stateFolder, recursive: true);
        }
    }

    private static async Task<Outcome> MeasureStockAsync(
        HerokuLikeDatabase source, PlanetScaleLikeDatabase target, string stateFolder, int changes, TimeSpan limit, CancellationToken cancellationToken)
    {
        await CreateAsync(target, changes, cancellationToken);
        await using var stock = new StockBucardo(source, target, stateFolder);
        await stock.SetUpAsync(cancellationToken);
        await stock.StopAsync(cancellationToken);
        await ExecuteAsync(source, ChangeOneByOne(changes), cancellationToken);
        await ExecuteAsync(source, Sentinel, cancellationToken);
        await using var memory = new MemoryWatch(stock.Home);
        var watch = Stopwatch.StartNew();
        await stock.StartAsync(cancellationToken);
        await stock.KickAsync(cancellationToken);
        return new Outcome(await WaitAsync(target, watch, limit, cancellationToken), memory.MostOfBucardo, memory.MostTogether);
    }

    private static async Task<Outcome> MeasureOursAsync(
        MeasuredProgram face, HerokuLikeDatabase source, PlanetScaleLikeDatabase target, string change, bool suspended, TimeSpan limit, CancellationToken cancellationToken)
    {
        await face.RunAsync(["start"], cancellationToken);
        if (suspended)
        {
            await face.RunAsync(["suspend"], cancellationToken);
        }

        await using var memory = new MemoryWatch(face.StateFolder);
        await ExecuteAsync(source, change, cancellationToken);
        await ExecuteAsync(source, Sentinel, cancellationToken);
        var watch = Stopwatch.StartNew();
        // Its last row is there before the command is done, which starts the daemon after that.
        var resumed = suspended ? face.RunAsync(["resume"], cancellationToken) : Task.FromResult(0.0);
        var seconds = await WaitAsync(target, watch, limit, cancellationToken);
        await resumed;
        var outcome = new Outcome(seconds, memory.MostOfBucardo, memory.MostTogether);
        await face.RunAsync(["stop", "--force"], cancellationToken);
        return outcome;
    }

    private static async Task<double?> WaitAsync(PlanetScaleLikeDatabase target, Stopwatch watch, TimeSpan limit, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(target.AdminConnectionString);
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(Arrived, connection);
        while (watch.Elapsed < limit)
        {
            if (await command.ExecuteScalarAsync(cancellationToken) is true)
            {
                return watch.Elapsed.TotalSeconds;
            }

            await Task.Delay(50, cancellationToken);
        }

        return null;
    }

    private static Task CreateAsync(LabDatabase database, int rows, CancellationToken cancellationToken) => ExecuteAsync(
        database,
        string.Create(CultureInfo.InvariantCulture, $"""
            CREATE TABLE public.bench (id integer PRIMARY KEY, n integer NOT NULL, filler text NOT NULL);
            INSERT INTO public.bench SELECT g, 0, repeat('x', 40) FROM generate_series(1, {rows}) g;
            ANALYZE public.bench
            """),
        cancellationToken);

    private static string ChangeOneByOne(int changes) => string.Create(
        CultureInfo.InvariantCulture,
        $"DO $$ BEGIN FOR i IN 1..{changes} LOOP UPDATE public.bench SET n = n + 1 WHERE id = i; COMMIT; END LOOP; END $$");

    private static async Task ExecuteAsync(LabDatabase database, string sql, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(database.ConnectionString);
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
