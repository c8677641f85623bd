namespace HerokuMigrator.Readiness;

internal sealed class SourceSize : IReadinessCheck
{
    public string Id => nameof(SourceSize);

    public string Group => CheckGroup.Size;

    public string Title => "What there is to move";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        var database = await source.ScalarAsync<long>("SELECT pg_database_size(current_database())", cancellationToken);
        var tables = context.Catalog.Tables;
        var rows = tables.Sum(table => Math.Max(0, table.RowsEstimate));
        var text = $"The source has {FindingText.Count(tables.Count, "table")} with about {rows:0} rows; {FindingText.Bytes(database)} ({database} bytes), of which {FindingText.Bytes(tables.Sum(table => table.Bytes))} are rows without indexes.";
        var biggest = tables.Where(table => table.Bytes > 0).OrderByDescending(table => table.Bytes).Take(5).Select(table => table.QualifiedName).ToList();
        return tables.Count == 0 ? Finding.Pass(text) : FindingText.Note(text, "It is what the copy takes its time for. The objects named are the biggest.", biggest);
    }
}
