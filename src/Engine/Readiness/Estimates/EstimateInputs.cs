using HerokuMigrator.Catalog;

namespace HerokuMigrator.Readiness;

/// <summary>All that an estimate is reckoned from.</summary>
/// <param name="Tables">The tables that hold rows, with the way that each goes.</param>
/// <param name="Sequences">Number of sequences.</param>
/// <param name="MaterializedViews">Those that are filled anew on the target.</param>
/// <param name="Schema">Indexes, foreign keys and the rest.</param>
/// <param name="Link">Both links as they were measured.</param>
/// <param name="Writes">What is written now; null where it could not be told.</param>
internal sealed record EstimateInputs(
    IReadOnlyList<TableInfo> Tables, int Sequences, int MaterializedViews, SchemaFigures Schema, LinkMeasurement Link, WriteFigures? Writes)
{
    public LargeObjectFigures LargeObjects { get; init; } = LargeObjectFigures.None;

    public IEnumerable<TableInfo> Whole => Tables.Where(table => table.Mode == TransferMode.CopiedWhole);

    public IReadOnlyList<TableInfo> Replayed { get; } = [.. Tables.Where(table => table.Mode == TransferMode.Replayed)];

    public double TableBytes => Tables.Sum(table => (double)table.Bytes);

    /// <summary>What one stream carries: the servers' own pace, or its share of the narrower link.</summary>
    public double StreamBytesPerSecond => Math.Min(Pace.CopyBytesPerSecond, Math.Min(Link.SourceBytesPerSecond, Link.TargetBytesPerSecond) / Pace.SideBySide);

    /// <summary>Seconds until tables of these sizes are copied, two side by side, the largest first.</summary>
    public double CopySeconds(IReadOnlyCollection<double> bytes)
    {
        var perTable = Pace.CopySecondsPerTable + (Pace.CopyTargetRoundTrips * Link.TargetRoundTrip) + (Pace.CopySourceRoundTrips * Link.SourceRoundTrip);
        var together = (bytes.Count * perTable) + (bytes.Sum() / StreamBytesPerSecond);
        return bytes.Count == 0 ? 0 : Math.Max(together / Pace.SideBySide, perTable + (bytes.Max() / StreamBytesPerSecond));
    }
}

/// <summary>Writes at the source.</summary>
/// <param name="RowsPerSecond">Changed rows a second to reckon with.</param>
/// <param name="WrittenTables">Tables that change within a few seconds.</param>
/// <param name="Basis">Where that is from, in words.</param>
internal sealed record WriteFigures(double RowsPerSecond, int WrittenTables, string Basis);
