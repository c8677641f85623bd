using System.Globalization;
using Npgsql;

namespace HerokuMigrator.Lab;

/// <summary>Whole migrations of several sizes, and how near the estimate of the readiness report came.</summary>
internal static class EstimateBench
{
    /// <summary>How long each part took, as the state of the migration tells it while it replicates.</summary>
    private const string PartsSql = """
        WITH phase AS (
            SELECT max(at) FILTER (WHERE message = 'Preparing -> Copying') AS copying, max(at) FILTER (WHERE message = 'Copying -> CatchingUp') AS catching_up
            FROM heroku_migrator.event WHERE kind = 'phase'),
        entry AS (
            SELECT max(done_at) FILTER (WHERE stage = 'Keys') AS keys_end, min(done_at) FILTER (WHERE stage = 'AfterDrain') AS others_begin FROM heroku_migrator.schema_entry)
        SELECT extract(epoch FROM catching_up - copying)::float8,
               (coalesce(extract(epoch FROM keys_end - catching_up), 0)
                 + coalesce(extract(epoch FROM (SELECT max(last_analyze) FROM pg_stat_user_tables WHERE schemaname <> 'heroku_migrator') - others_begin), 0))::float8
        FROM phase, entry
        """;

    private sealed record Shape(string Name, Func<HerokuLikeDatabase, CancellationToken, Task> CreateAsync, bool Shop);

    private sealed record Outcome(double Copy, double Index, double Pause);

    public static async Task<int> RunAsync(LabArguments arguments, CancellationToken cancellationToken)
    {
        var program = arguments.Required("console");
        var runs = (int)arguments.Number("runs", 3);
        var wanted = (arguments.Text("shapes") ?? "shop1,shop10,shop40,many200,many1000,keyless").Split(',');
        await Console.Out.WriteLineAsync($"{BenchMachine.Description}\n{"",-10} {"copy: told, came",24} {"index: told, came",24} {"pause: told, came",24}  load");
        foreach (var shape in wanted.Select(Find))
        {
            List<(Outcome Told, Outcome Came)> pairs = [];
            for (var run = 0; run < runs; run++)
            {
                pairs.Add(await MigrateAsync(program, shape, cancellationToken));
            }

            await Console.Out.WriteLineAsync($"{shape.Name,-10} {Column(pairs, one => one.Copy)} {Column(pairs, one => one.Index)} {Column(pairs, one => one.Pause)}  {BenchMachine.Load}");
        }

        return 0;
    }

    private static Shape Find(string name)
    {
        var number = int.Parse(new string([.. name.SkipWhile(char.IsAsciiLetter)]) is { Length: > 0 } digits ? digits : "1", CultureInfo.InvariantCulture);
        return new string([.. name.TakeWhile(char.IsAsciiLetter)]) switch
        {
            "shop" => new Shape(name, (database, token) => ShopSchema.CreateAsync(database, number, token), Shop: true),
            "many" => new Shape(name, (database, token) => ManyTables.CreateAsync(database, number, rows: 100, keyless: 0, token), Shop: false),
            "large" => new Shape(name, (database, token) => ManyTables.CreateAsync(database, 3, rows: number * 1000, keyless: 0, token), Shop: false),
            "keyless" => new Shape(name, (database, token) => ManyTables.CreateAsync(database, 10, rows: number * 100_000, keyless: 4, token), Shop: false),
            _ => throw new LabUsageException($"'{name}' is none of shopN, manyN, largeN, keylessN."),
        };
    }

    private static string Column(List<(Outcome Told, Outcome Came)> pairs, Func<Outcome, double> part)
    {
        var (told, came) = (BenchMachine.Median(pairs.Select(pair => part(pair.Told))), BenchMachine.Median(pairs.Select(pair => part(pair.Came))));
        return $"{told,8:0.00} {came,8:0.00} s ({told / Math.Max(came, 0.001):0.0})";
    }

    private static async Task<(Outcome Told, Outcome Came)> MigrateAsync(string program, Shape shape, CancellationToken cancellationToken)
    {
        await using var source = await HerokuLikeServer.StartAsync(cancellationToken);
        await using var target = await PlanetScaleLikeServer.StartAsync(cancellationToken);
        await shape.CreateAsync(source.Database, cancellationToken);
        await using var workload = shape.Shop ? Workload.StartShop(source.Database, new WorkloadOptions { Clients = 4, TransactionsPerSecond = 50 }) : null;
        var stateFolder = BenchMachine.CreateStateFolder();
        try
        {
            var face = new ConsoleFace(program, source.Url, target.Url, stateFolder, []);
            var estimate = (await face.RunAsync(MigrationStep.Test, cancellationToken)).Estimate ?? throw new DemoException("The report has no estimate.");
            await face.RunAsync(MigrationStep.Start, cancellationToken);
            var (copy, index) = await PartsAsync(target.Database, cancellationToken);
            await face.RunAsync(MigrationStep.WaitUntilReady, cancellationToken);
            var pause = (await face.RunAsync(MigrationStep.Switch, cancellationToken)).WritePauseMs!.Value / 1000;
            await face.RunAsync(MigrationStep.Complete, cancellationToken);
            return (new Outcome(estimate.Copy.Seconds, estimate.Index.Seconds, estimate.WritePause.Seconds), new Outcome(copy, index, pause));
        }
        finally
        {
            LeftoverProcesses.Kill(stateFolder);
            Directory.Delete(stateFolder, recursive: true);
        }
    }

    private static async Task<(double Copy, double Index)> PartsAsync(LabDatabase target, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(target.AdminConnectionString);
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(PartsSql, connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return (reader.GetDouble(0), reader.GetDouble(1));
    }
}
