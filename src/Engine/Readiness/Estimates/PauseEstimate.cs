namespace HerokuMigrator.Readiness;

/// <summary>From the first lock of the fence until the target is safe to write to.</summary>
internal static class PauseEstimate
{
    public static EstimatedTime Of(EstimateInputs inputs)
    {
        var (fence, proof, whole, under, sequences, handOver) = Parts(inputs);
        return new EstimatedTime
        {
            Seconds = fence + Math.Max(proof, Math.Max(whole, inputs.LargeObjects.PauseSeconds(inputs.Link))) + under + sequences + handOver,
            Basis = string.Join("; ", Sentences(inputs, fence, proof, whole, under)) + ".",
        };
    }

    private static (double Fence, double Proof, double Whole, double Under, double Sequences, double HandOver) Parts(EstimateInputs inputs)
    {
        var (source, target) = (inputs.Link.SourceRoundTrip, inputs.Link.TargetRoundTrip);
        var batches = Math.Ceiling(inputs.Schema.FencedRelations / 250_000d);
        var fence = ((Pace.FenceSourceRoundTrips + batches) * source) + (Pace.FenceTargetRoundTrips * target) + (inputs.Schema.FencedRelations * Pace.FenceSecondsPerRelation);
        var written = Math.Min(inputs.Writes?.WrittenTables ?? 0, inputs.Replayed.Count);
        var proof = Pace.DrainSeconds + (inputs.Replayed.Count * (Pace.DrainSecondsPerTable + (2 * source / Pace.DrainTablesPerRoundTrip)))
            + (written * (Pace.DrainSecondsPerWrittenTable + (Pace.DrainRoundTripsPerWrittenTable * Math.Max(source, target))))
            + ((inputs.Writes?.RowsPerSecond ?? 0) / Pace.ReplayedRowsPerSecond);
        var entry = Pace.EntrySeconds + (Pace.EntryRoundTrips * target);
        var under = IndexEstimate.ForeignKeySeconds([.. inputs.Schema.ForeignKeys.Where(key => key.UnderFence)], entry) + (inputs.Schema.RowSecurityTables * entry);
        var sequences = (Math.Ceiling((double)inputs.Sequences / Pace.SequencesPerRoundTrip) * (source + target)) + (inputs.Sequences * Pace.SecondsPerSequence);
        var handOver = Pace.HandOverSeconds + (Pace.HandOverRoundTrips * Math.Max(source, target));
        var whole = inputs.CopySeconds([.. inputs.Whole.Select(table => (double)table.Bytes)]) + (inputs.Schema.WholeIndexedRows / Pace.IndexedRowsPerSecond / Pace.SideBySide);
        return (fence, proof, whole, under, sequences, handOver);
    }

    private static IEnumerable<string> Sentences(EstimateInputs inputs, double fence, double proof, double whole, double under)
    {
        yield return $"a fence around {Words.Count(inputs.Schema.FencedRelations, "table or sequence", "tables and sequences")} {Words.Seconds(fence)}, attempts that get no lock not counted";
        yield return $"the last drain over {FindingText.Count(inputs.Replayed.Count, "table")} {Words.Seconds(proof)}, with round trips of {Words.Milliseconds(inputs.Link.SourceRoundTrip)} to the source";
        var tables = inputs.Whole.ToList();
        if (tables.Count > 0)
        {
            yield return $"beside it the last copy of {FindingText.Count(tables.Count, "table")} without a usable key, {FindingText.Bytes(tables.Sum(table => table.Bytes))}"
                + (inputs.Schema.WholeIndexedRows > 0 ? $" with {Words.Number(inputs.Schema.WholeIndexedRows)} entries in indexes that are there already" : "")
                + $", {Words.Seconds(whole)}, less what nobody writes until then";
        }

        if (inputs.LargeObjects.Count > 0)
        {
            yield return $"beside it the copy of {inputs.LargeObjects}, {Words.Seconds(inputs.LargeObjects.PauseSeconds(inputs.Link))}";
        }

        if (under > 0)
        {
            yield return $"foreign keys and policies that wait for the fence {Words.Seconds(under)}";
        }

        yield return FindingText.Count(inputs.Sequences, "sequence");
        yield return inputs.Writes is { } writes ? $"writes of {writes.Basis}" : "how much is written is not known";
    }
}
