using HerokuMigrator.Reporting;

namespace HerokuMigrator.Cli;

/// <summary>The engine's results for people.</summary>
internal static class ResultText
{
    public static void Write(ReadinessReport report, TextWriter output, Paint paint)
    {
        foreach (var line in ReportText.Lines(report, paint.ForReports()))
        {
            output.WriteLine(line);
        }
    }

    public static void Write(OperationPlan plan, TextWriter output, Paint paint)
    {
        output.WriteLine($"{plan.Name}: {plan.Subject}");
        foreach (var step in plan.Steps)
        {
            output.WriteLine($"  - {step}");
        }
    }

    public static void Write(Migration migration, TextWriter output, Paint paint)
    {
        output.WriteLine($"{migration.Name}: {migration.Phase}, {migration.Source} -> {migration.Target}");
        output.WriteLine($"  {Count(migration.Tables, "table")}, {Count(migration.RowsCopied, "row")} copied" + Whole(migration.TablesCopiedWhole));
        WriteList(LeftOut(paint), migration.TablesLeftOut, output);
        if (migration.Home.Length > 0)
        {
            output.WriteLine($"  home {migration.Home}");
        }
    }

    public static void Write(SyncStatus status, TextWriter output, Paint paint)
    {
        output.WriteLine($"{status.Name}: {status.Phase}, {Colour(status.Health, paint)}{(status.ReadyToSwitch ? ", ready to switch" : "")}{(status.SwitchReadiness == SwitchReadiness.Warning ? paint.Yellow(" with warnings") : "")}");
        output.WriteLine($"  {status.TablesCopied} of {Count(status.Tables, "table")}, {Count(status.RowsCopied, "row")} copied" + Whole(status.TablesCopiedWhole));
        WriteList(LeftOut(paint), status.TablesLeftOut, output);
        if (status.Copy is { } copy)
        {
            WriteCopy(copy, output, paint);
        }

        if (status.Backlog is { } backlog)
        {
            output.WriteLine($"  backlog {Count(backlog, "change")}" + (status.LagSeconds is { } lag ? $", lag {lag:0.0} s" : ""));
        }

        if (status.Proofs.Count > 0)
        {
            var proven = status.Proofs.Select(proof => proof.ProvenAt).OfType<DateTimeOffset>().ToList();
            output.WriteLine($"  compared {Count(status.Proofs.Count, "table")}, {proven.Count} shown to be equal" + (proven.Count > 0 ? $", the oldest at {proven.Min().UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC" : ""));
        }

        foreach (var problem in status.Problems)
        {
            output.WriteLine($"  {paint.Yellow("!")} {problem}");
        }

        // The phase, and what is a problem as well, have been told.
        foreach (var reason in status.ReasonsBesideProblems().Where(reason => reason.Id != "Phase"))
        {
            output.WriteLine($"  switch: {Colour(reason.Status, paint)} {reason.Id}: {reason.Finding}" + (reason.Remedy.Length > 0 ? " " + reason.Remedy.ReplaceLineEndings(" ") : ""));
        }
    }

    private static void WriteCopy(CopyStatus copy, TextWriter output, Paint paint)
    {
        output.WriteLine($"  copy {copy with { Throttle = null }}, {copy.RowsPerSecond:#,0} rows/s");
        foreach (var item in copy.Running)
        {
            output.WriteLine($"    {item}");
        }

        if (copy.StepsTotal > 0)
        {
            output.WriteLine($"  {copy.StepsDone} of {Count(copy.StepsTotal, "index and constraint", "indexes and constraints")} built");
        }

        if (copy.Throttle is { } throttle)
        {
            output.WriteLine($"  {paint.Yellow("slowed down")}: {throttle}");
        }

        if (copy.LongestSnapshotSeconds is { } age)
        {
            output.WriteLine($"  longest snapshot on the source {DurationText.Of(age)}");
        }
    }

    public static void Write(IReadOnlyList<DataComparison> results, TextWriter output, Paint paint)
    {
        foreach (var result in results)
        {
            output.WriteLine($"{Colour(result.Outcome, paint)} {result.Table}" + (result.Outcome == ComparisonOutcome.NotCompared ? "" : $": {Rows(result)}, {result.Seconds:0.0} s")
                + (result.ChunksCompared is > 0 and var compared && compared < result.Chunks ? $", {compared} of {result.Chunks} chunks" : "")
                + (result.Detail.Length > 0 ? $"; {result.Detail}" : ""));
            foreach (var difference in result.Differences)
            {
                output.WriteLine($"  {difference}" + (difference.Repaired ? " (repaired)" : ""));
            }

            if (result.RowsDiffering > result.Differences.Count)
            {
                output.WriteLine($"  … {Count(result.RowsDiffering, "row differs", "rows differ")} in all");
            }
        }

        output.WriteLine($"{Count(results.Count, "table")}: " + string.Join(", ", results.CountBy(result => result.Outcome).OrderBy(outcome => outcome.Key).Select(outcome => $"{outcome.Value} {outcome.Key}")));
    }

    public static void Write(IReadOnlyList<ObjectComparison> results, TextWriter output, Paint paint)
    {
        foreach (var result in results)
        {
            output.WriteLine($"{Colour(result.Outcome, paint)} {result.Kind}: {Count(result.Objects, "object")}" + (result.Detail.Length > 0 ? $"; {result.Detail}" : ""));
            foreach (var difference in result.Differences)
            {
                output.WriteLine($"  {difference}");
            }
        }
    }

    private static string Rows(DataComparison result) =>
        result.SourceRows == result.TargetRows ? Count(result.SourceRows, "row") : $"{Count(result.SourceRows, "row")} on the source, {result.TargetRows:#,0} on the target";

    private static string Colour(ComparisonOutcome outcome, Paint paint) => outcome switch
    {
        ComparisonOutcome.Equal or ComparisonOutcome.Repaired => paint.Green(outcome.ToString()),
        ComparisonOutcome.Different => paint.Red(outcome.ToString()),
        ComparisonOutcome.Unproven => paint.Yellow(outcome.ToString()),
        _ => outcome.ToString(),
    };

    public static void Write(TrafficSwitch done, TextWriter output, Paint paint)
    {
        output.WriteLine($"{done.Name}: {done.Phase}" + (done.IsRehearsal ? ", rehearsed" : "") + (done.WritePauseMs is { } pause ? $", writes paused {pause:0} ms" : "")
            + (done.PredictedPauseMs is { } predicted ? $", a switch would pause them {predicted:0} ms" : "") + (done.FailedAttemptsMs > 0 ? $", and up to {done.FailedAttemptsMs:0} ms before by attempts at the fence that failed" : ""));
        output.WriteLine($"  {Count(done.TablesFenced, "table")}, {Count(done.SequencesSet, "sequence")}{(done.LargeObjectsCopied > 0 ? $", {Count(done.LargeObjectsCopied, "large object")} copied" : "")}, roles: {string.Join(", ", done.Roles)}");
        if (done.Steps.Count > 0)
        {
            output.WriteLine($"  under the fence: {string.Join(", ", done.Steps)}");
        }

        if (done.Compared.Count > 0)
        {
            output.WriteLine($"  compared under the fence, equal: {Count(done.Compared.Sum(sample => sample.Rows), "row")} of {Count(done.Compared.Count, "table")}");
        }

        foreach (var blocker in done.Blockers)
        {
            output.WriteLine($"  {paint.Yellow(blocker.Ended ? "ended" : "in the way")}: {blocker}");
        }

        WriteList("copied whole", done.TablesCopiedWhole, output);
        WriteList("rows of yours carried in tables of extensions", done.ExtensionTablesCopied, output);
        WriteList(LeftOut(paint), done.TablesLeftOut, output);
        WriteList(paint.Yellow("written on the target since the switch, not on the source"), done.TablesWrittenOnTarget, output);
        WriteFile("to undo without this program", done.UndoFile, output);
        WriteFile("certificate", done.CertificateFile, output);
    }

    private static string Colour(CheckStatus status, Paint paint) => status switch
    {
        CheckStatus.Blocked => paint.Red("blocked"),
        CheckStatus.Warning => paint.Yellow("warning"),
        _ => "note",
    };

    private static string Whole(int tables) => tables > 0 ? $", {Count(tables, "table")} copied whole" : "";

    private static string LeftOut(Paint paint) => paint.Yellow("left out, without their rows");

    private static string Count(long number, string one, string many) => $"{number:#,0} {(number == 1 ? one : many)}";

    private static string Count(long number, string thing) => number == 1 ? $"1 {thing}" : $"{number:#,0} {thing}s";

    private static void WriteList(string label, IReadOnlyList<string> items, TextWriter output)
    {
        if (items.Count > 0)
        {
            output.WriteLine($"  {label}: {string.Join(", ", items)}");
        }
    }

    private static void WriteFile(string label, string? path, TextWriter output)
    {
        if (path is not null)
        {
            output.WriteLine($"  {label}: {path}");
        }
    }

    private static string Colour(SyncHealth health, Paint paint) => health switch
    {
        SyncHealth.Broken => paint.Red(health.ToString()),
        SyncHealth.Degraded => paint.Yellow(health.ToString()),
        SyncHealth.Healthy => paint.Green(health.ToString()),
        _ => health.ToString(),
    };
}
