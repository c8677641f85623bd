using System.Diagnostics;
using System.Globalization;

namespace HerokuMigrator.Lab;

/// <summary>How long the console face's <c>test</c> takes, from the start of the program to its end, against a source of many tables.</summary>
internal static class ReadinessBench
{
    public static async Task<int> RunAsync(LabArguments arguments, CancellationToken cancellationToken)
    {
        var program = arguments.Required("console");
        var runs = (int)arguments.Number("runs", 3);
        await Console.Out.WriteLineAsync(BenchMachine.Description);
        foreach (var tables in (arguments.Text("tables") ?? "100,10000").Split(',').Select(text => int.Parse(text, CultureInfo.InvariantCulture)))
        {
            await MeasureAsync(program, tables, runs, cancellationToken);
        }

        return 0;
    }

    private static async Task MeasureAsync(string program, int tables, int runs, CancellationToken cancellationToken)
    {
        // Room for the locks of a fence around them all; without it the report rightly says that a migration is blocked.
        var options = new PostgresServerOptions { Settings = new Dictionary<string, string>(StringComparer.Ordinal) { ["max_locks_per_transaction"] = "1024" } };
        await using var source = await HerokuLikeServer.StartAsync(options, cancellationToken);
        await using var target = await PlanetScaleLikeServer.StartAsync(options, cancellationToken);
        await ManyTables.CreateAsync(source.Database, tables, rows: 10, keyless: 0, cancellationToken);
        var stateFolder = BenchMachine.CreateStateFolder();
        try
        {
            var face = new ConsoleFace(program, source.Url, target.Url, stateFolder, []);
            List<double> seconds = [];
            FaceResult last = new();
            for (var run = 0; run < runs; run++)
            {
                var watch = Stopwatch.StartNew();
                last = await face.RunAsync(MigrationStep.Test, cancellationToken);
                seconds.Add(watch.Elapsed.TotalSeconds);
            }

            await Console.Out.WriteLineAsync(
                $"{tables:#,0} tables, {3 * tables:#,0} indexes: {string.Join(", ", seconds.Select(one => $"{one:0.0}"))} s, median {BenchMachine.Median(seconds):0.0} s; {last.Checks.Count} checks, verdict {last.Verdict}; load {BenchMachine.Load}");
            var slowest = last.Checks
                .Select(check => (Id: check.GetProperty("id").GetString(), Ms: check.GetProperty("durationMs").GetDouble()))
                .OrderByDescending(check => check.Ms).Take(8);
            await Console.Out.WriteLineAsync($"  slowest of the last run: {string.Join(", ", slowest.Select(check => $"{check.Id} {check.Ms:0} ms"))}");
        }
        finally
        {
            Directory.Delete(stateFolder, recursive: true);
        }
    }
}
