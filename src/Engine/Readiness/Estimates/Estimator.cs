namespace HerokuMigrator.Readiness;

/// <summary>Reckons how long a migration will take, from what the source holds, how it is written to, and how far away both sides are.</summary>
internal static class Estimator
{
    /// <summary>A fixed number of queries; no connection is held while it waits for what is shared.</summary>
    public static async Task<MigrationEstimate> ReadAsync(ReadinessContext context, LinkMeasurement link, CancellationToken cancellationToken)
    {
        var catalog = context.Catalog;
        SchemaFigures schema;
        LargeObjectFigures objects;
        await using (var source = await context.OpenSourceAsync(cancellationToken))
        {
            schema = await SchemaFigures.ReadAsync(source, catalog.Tables.Where(table => table.Mode == Catalog.TransferMode.CopiedWhole), cancellationToken);
            objects = await LargeObjectFigures.ReadAsync(source, cancellationToken);
        }

        return Of(new EstimateInputs(
            catalog.Tables, catalog.Sequences.Count, catalog.MaterializedViews.Count(view => view.Populated), schema, link, await WritesAsync(context, cancellationToken)) { LargeObjects = objects });
    }

    public static MigrationEstimate Of(EstimateInputs inputs) =>
        new() { Copy = CopyEstimate.Of(inputs), Index = IndexEstimate.Of(inputs), WritePause = PauseEstimate.Of(inputs) };

    /// <summary>Null where the source counts no writes.</summary>
    private static async Task<WriteFigures?> WritesAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        var sample = await WriteSample.OfAsync(context, cancellationToken);
        return sample.Counted ? new WriteFigures(sample.RowsPerSecondToExpect, sample.RowsPerSecondOf.Count, sample.Basis) : null;
    }
}
