namespace HerokuMigrator.Readiness;

/// <summary>Keys, indexes, foreign keys and ANALYZE on the target, after the copy. Bucardo stands still for the most of it.</summary>
internal static class IndexEstimate
{
    public static EstimatedTime Of(EstimateInputs inputs)
    {
        var schema = inputs.Schema;
        var entry = Pace.EntrySeconds + (Pace.EntryRoundTrips * inputs.Link.TargetRoundTrip);
        var constraints = schema.Indexes.Where(index => index.OfConstraint).ToList();
        var others = schema.Indexes.Where(index => !index.OfConstraint).ToList();
        var keys = schema.ForeignKeys.Where(key => !key.UnderFence).ToList();
        var seconds = constraints.Sum(index => BuildSeconds(index, entry))
            + Math.Max(others.Sum(index => BuildSeconds(index, entry)) / Pace.SideBySide, others.Select(LargestSeconds).DefaultIfEmpty().Max())
            + ForeignKeySeconds(keys, entry)
            + inputs.Tables.Sum(table => Pace.AnalyzeSecondsPerTable + inputs.Link.TargetRoundTrip + (Math.Min(table.Bytes, Pace.AnalyzedBytes) / Pace.AnalyzeBytesPerSecond));
        return new EstimatedTime { Seconds = seconds, Basis = string.Join("; ", Sentences(inputs, constraints, others, keys)) + "." };
    }

    /// <summary>Each is validated by a pass over the referencing table; one after the other.</summary>
    public static double ForeignKeySeconds(IReadOnlyCollection<ForeignKeyFigures> keys, double entry) =>
        keys.Sum(key => (key.Count * entry) + (key.Rows / Pace.ForeignKeyRowsPerSecond));

    private static double BuildSeconds(IndexFigures index, double entry) =>
        (index.Count * entry) + (index.TableBytes / Pace.ScanBytesPerSecond) + (index.Bytes / BytesPerSecond(index));

    private static double LargestSeconds(IndexFigures index) => index.LargestBytes / BytesPerSecond(index);

    private static double BytesPerSecond(IndexFigures index) => index.Method == "btree" ? Pace.BtreeBytesPerSecond : Pace.OtherIndexBytesPerSecond;

    private static IEnumerable<string> Sentences(
        EstimateInputs inputs, IReadOnlyCollection<IndexFigures> constraints, IReadOnlyCollection<IndexFigures> others, IReadOnlyCollection<ForeignKeyFigures> keys)
    {
        yield return $"{Words.Count(constraints.Sum(index => index.Count), "key")} of {Size(constraints)}, one after the other";
        yield return $"{Words.Count(others.Sum(index => index.Count), "index", "indexes")} of {Size(others)}, {Pace.SideBySide} side by side";
        var slow = others.Concat(constraints).Where(index => index.Method != "btree").ToList();
        if (slow.Count > 0)
        {
            yield return $"of them {Size(slow)} in {string.Join(", ", slow.Select(index => index.Method).Distinct().Order(StringComparer.Ordinal))}, which are built slower";
        }

        yield return $"{Words.Count(keys.Sum(key => key.Count), "foreign key")} over {Words.Number(keys.Sum(key => key.Rows))} rows";
        yield return $"ANALYZE of {FindingText.Count(inputs.Tables.Count, "table")}";
        if (inputs.MaterializedViews > 0)
        {
            yield return $"the queries of {FindingText.Count(inputs.MaterializedViews, "materialized view")} come on top";
        }

        if (inputs.Writes is { RowsPerSecond: > 0 } writes)
        {
            yield return $"{Words.Number(writes.RowsPerSecond)} changed rows a second pile up at the source meanwhile";
        }
    }

    private static string Size(IEnumerable<IndexFigures> indexes) => FindingText.Bytes((long)indexes.Sum(index => index.Bytes));
}
