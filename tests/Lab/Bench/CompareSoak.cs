using System.Diagnostics;
using System.Globalization;

namespace HerokuMigrator.Lab;

/// <summary>Compares all tables again and again while writers write, for as many minutes as are given: each table that is told to differ is a false alarm.</summary>
internal static class CompareSoak
{
    public static async Task<int> RunAsync(string program, double minutes, double rate, CancellationToken cancellationToken)
    {
        await using var source = await HerokuLikeServer.StartAsync(cancellationToken);
        await using var target = await PlanetScaleLikeServer.StartAsync(cancellationToken);
        await ShopSchema.CreateAsync(source.Database, cancellationToken);
        var folder = BenchMachine.CreateStateFolder();
        try
        {
            var face = new MeasuredProgram(program, source.Url, target.Url, folder);
            await using var writers = Workload.StartShop(source.Database, new WorkloadOptions { TransactionsPerSecond = rate });
            await face.RunAsync(["start"], cancellationToken);
            await using var migrator = new Migrator(
                new MigratorOptions { SourceUrl = source.Url, TargetUrl = target.Url, StateRoot = Path.Combine(folder, "heroku-migrator") }, new TextEvents(TextWriter.Null));
            var outcomes = new SortedDictionary<ComparisonOutcome, int>();
            var (comparisons, rows, clock) = (0, 0L, Stopwatch.StartNew());
            while (clock.Elapsed.TotalMinutes < minutes)
            {
                foreach (var result in await migrator.CompareAsync(new ComparisonOptions(), cancellationToken))
                {
                    outcomes[result.Outcome] = outcomes.GetValueOrDefault(result.Outcome) + 1;
                    rows += result.SourceRows;
                    if (result.Outcome == ComparisonOutcome.Different)
                    {
                        await Console.Out.WriteLineAsync($"false alarm: {result}; {string.Join("; ", result.Differences.Take(3))}");
                    }
                }

                comparisons++;
            }

            await Console.Out.WriteLineAsync(string.Create(
                CultureInfo.InvariantCulture,
                $"{comparisons} comparisons in {clock.Elapsed.TotalMinutes:0.0} minutes of writes ({writers}): {rows:#,0} rows; {string.Join(", ", outcomes.Select(outcome => $"{outcome.Value} tables {outcome.Key}"))}; load {BenchMachine.Load}"));
            await face.RunAsync(["stop", "--force"], cancellationToken);
            return outcomes.ContainsKey(ComparisonOutcome.Different) ? 1 : 0;
        }
        finally
        {
            LeftoverProcesses.Kill(folder);
            Directory.Delete(folder, recursive: true);
        }
    }
}
