namespace HerokuMigrator.Lab;

/// <summary>Moves schemas of the corpus, one after the other, and writes what came of each.</summary>
internal static class CorpusCommand
{
    public static async Task<int> RunAsync(LabArguments arguments, CancellationToken cancellationToken)
    {
        var corpus = CorpusFolder.Find(out var missing) ?? throw new LabException($"The corpus is left out: {missing}.");
        var schemas = arguments.Text("schema") is { } names ? [.. names.Split(',').Select(corpus.Get)]
            : arguments.Has("all") ? corpus.Schemas
            : throw new ArgumentException("Give --all, or --schema NAME.", nameof(arguments));
        await using var source = await HerokuLikeServer.StartAsync(cancellationToken);
        await using var target = await PlanetScaleLikeServer.StartAsync(cancellationToken);
        List<CorpusResult> results = [];
        foreach (var schema in schemas)
        {
            await using var move = new LabMove(await source.CreateDatabaseAsync(cancellationToken), await target.CreateDatabaseAsync(cancellationToken));
            var result = await new CorpusMove(corpus, schema, move).RunAsync((int)arguments.Number("rows", 200), (int)arguments.Number("statements", 600), cancellationToken);
            results.Add(result);
            await TellAsync(result);
            if (arguments.Text("out") is { } file)
            {
                // After each, so that a run that is broken off has told what it found.
                await File.WriteAllTextAsync(file, CorpusReport.Write(results), cancellationToken);
            }
        }

        return results.TrueForAll(result => result.IsEqual && !result.Surprises.Any()) ? 0 : 1;
    }

    private static async Task TellAsync(CorpusResult result)
    {
        await Console.Out.WriteLineAsync(result.ToString());
        foreach (var line in result.Met.Select(encounter => $"{(result.Surprises.Contains(encounter) ? "SURPRISE" : "foretold")} {encounter}").Concat(result.DumpErrors).Concat(result.Remarks.Select(remark => "remark " + remark)))
        {
            await Console.Out.WriteLineAsync("    " + line.ReplaceLineEndings(" "));
        }

        foreach (var check in result.Report?.Checks.Where(check => check.Status >= CheckStatus.Warning) ?? [])
        {
            await Console.Out.WriteLineAsync($"    {check}".ReplaceLineEndings(" "));
        }

        await Console.Out.FlushAsync();
    }
}
