namespace HerokuMigrator.Lab;

/// <summary>Moves schemas of the corpus and writes what came of each.</summary>
internal static class CorpusCommand
{
    public static async Task<int> RunAsync(LabArguments arguments, CancellationToken cancellationToken)
    {
        var corpus = CorpusFolder.Find(out var missing) ?? throw new LabException($"The corpus is left out: {missing}.");
        var schemas = arguments.Text("schema") is { } names ? [.. names.Split(',').Select(corpus.Get)]
            : arguments.Has("all") ? corpus.Schemas
            : throw new LabUsageException("Give --all, or --schema NAME.");
        if (schemas.SelectMany(CorpusFolder.Lacking).Distinct(StringComparer.Ordinal).ToList() is { Count: > 0 } lacking)
        {
            throw new LabException($"This machine's PostgreSQL lacks extensions that the schemas ask for: {string.Join(", ", lacking)}.");
        }

        var options = new CorpusRunOptions((int)arguments.Number("rows", 200), (int)arguments.Number("statements", 600), Math.Max(1, (int)arguments.Number("at-a-time", 1)));
        await using var run = await CorpusRun.StartAsync(corpus, schemas, options, cancellationToken);
        List<CorpusResult> results = [];
        foreach (var schema in schemas.OrderByDescending(schema => schema.Tables))
        {
            results.Add(await run.ResultOfAsync(schema.Name, cancellationToken));
            await TellAsync(results[^1]);
            if (arguments.Text("out") is { } file)
            {
                // After each, so that a run that is broken off has told what it found.
                await File.WriteAllTextAsync(file, CorpusReport.Write(run.Results), cancellationToken);
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
