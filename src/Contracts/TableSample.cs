namespace HerokuMigrator;

/// <summary>What was read of a table on both sides under the fence, and was the same on both.</summary>
/// <param name="Table">Schema and table, quoted.</param>
/// <param name="Chunks">Parts that the table has.</param>
/// <param name="ChunksCompared">Parts that were read.</param>
/// <param name="Rows">Rows in those parts.</param>
/// <param name="Hash">Sum of the rows' hashes (hashtextextended of the row's text).</param>
public sealed record TableSample(string Table, int Chunks, int ChunksCompared, long Rows, string Hash)
{
    public override string ToString() => $"{Table}: {Rows:#,0} rows equal, {ChunksCompared} of {Chunks} chunks";
}
