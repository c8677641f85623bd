namespace HerokuMigrator.Readiness;

internal sealed class WriteRate : IReadinessCheck, IReadsWriteSample
{
    /// <summary>What one stream of Bucardo was measured to apply at its worst, in rows a second; the network and the target of this very migration are not known.</summary>
    private const int Applied = 28_000;

    /// <summary>Half of it leaves room to catch up with what was captured while the tables were copied.</summary>
    private const int High = Applied / 2;

    private const int Remarkable = Applied / 10;

    public string Id => nameof(WriteRate);

    public string Group => CheckGroup.Load;

    public string Title => "The source is not written faster than changes can be applied";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        var sample = await WriteSample.OfAsync(context, cancellationToken);
        if (!sample.Counted)
        {
            return Finding.Skipped("The source does not count changed rows (track_counts is off).");
        }

        var text = $"Changed rows of all tables: {sample.Basis}.";
        var busiest = context.Catalog.Tables
            .Select(table => (table.QualifiedName, Rate: Math.Max(sample.RowsPerSecondOf.GetValueOrDefault(table.Oid), sample.MeanRowsPerSecondOf.GetValueOrDefault(table.Oid))))
            .Where(table => table.Rate > 0).OrderByDescending(table => table.Rate).Take(5)
            .Select(table => table.QualifiedName).ToList();
        return sample.RowsPerSecondToExpect switch
        {
            < Remarkable => Finding.Pass(text),
            < High => FindingText.Note(
                text,
                $"Replication was measured to apply {Applied} rows/s and more, on one machine without a network between the databases. The objects named are the busiest.",
                busiest),
            _ => Finding.Warning(
                $"{text} The busiest tables: {FindingText.Several(busiest)}.",
                $"Replication was measured to apply {Applied} rows/s on one machine without a network between the databases. What is written faster than it is applied piles up at the source, and a switch waits for all of it.",
                "Start, and above all switch, at a calmer hour; stop bulk loads and batch jobs on the tables named until the switch is done.",
                busiest),
        };
    }
}
