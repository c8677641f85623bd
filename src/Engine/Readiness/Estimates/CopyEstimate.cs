using HerokuMigrator.Catalog;

namespace HerokuMigrator.Readiness;

/// <summary>The initial copy: one stream a table, two tables side by side, the largest first.</summary>
internal static class CopyEstimate
{
    public static EstimatedTime Of(EstimateInputs inputs)
    {
        var sizes = inputs.Tables.Select(table => (double)table.Bytes).ToList();
        var seconds = inputs.CopySeconds(sizes);
        return new EstimatedTime { Seconds = seconds, Basis = string.Join("; ", Sentences(inputs, seconds)) + "." };
    }

    private static IEnumerable<string> Sentences(EstimateInputs inputs, double seconds)
    {
        var rows = inputs.Tables.Sum(table => Math.Max(0, table.RowsEstimate));
        var largest = inputs.Tables.MaxBy(table => table.Bytes);
        yield return $"{FindingText.Count(inputs.Tables.Count, "table")} with about {Words.Number(rows)} rows in {FindingText.Bytes((long)inputs.TableBytes)} without indexes"
            + (largest is { Bytes: > 0 } ? $", the largest {FindingText.Bytes(largest.Bytes)}" : "");
        if (inputs.Schema.LockedTables > 0)
        {
            yield return $"sizes as the last VACUUM or ANALYZE noted them, as {Words.Count(inputs.Schema.LockedTables, "table is", "tables are")} locked and cannot be measured";
        }

        yield return $"{Pace.SideBySide} streams at {Words.Rate(inputs.StreamBytesPerSecond)} each, one a table";
        yield return $"round trips of {Words.Milliseconds(inputs.Link.SourceRoundTrip)} to the source and {Words.Milliseconds(inputs.Link.TargetRoundTrip)} to the target";
        yield return $"links of {Words.Rate(inputs.Link.SourceBytesPerSecond)} and {Words.Rate(inputs.Link.TargetBytesPerSecond)}";
        yield return Backlog(inputs, seconds);
    }

    /// <summary>What is written meanwhile is replayed afterwards, before the indexes are built.</summary>
    private static string Backlog(EstimateInputs inputs, double seconds)
    {
        if (inputs.Writes is not { } writes)
        {
            return "how much is written meanwhile is not known";
        }

        if (writes.RowsPerSecond >= Pace.ReplayedRowsPerSecond)
        {
            return $"{Words.Number(writes.RowsPerSecond)} rows a second are changed meanwhile ({writes.Basis}), more than are replayed ({Words.Number(Pace.ReplayedRowsPerSecond)} a second): the replay would never catch up";
        }

        var changes = writes.RowsPerSecond * seconds;
        var replay = changes / (Pace.ReplayedRowsPerSecond - writes.RowsPerSecond);
        return $"about {Words.Number(changes)} rows will be changed meanwhile ({writes.Basis}), whose replay takes another {Words.Seconds(replay)}";
    }
}
