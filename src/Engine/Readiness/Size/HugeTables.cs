using System.Globalization;

namespace HerokuMigrator.Readiness;

internal sealed class HugeTables : IReadinessCheck
{
    private const double Hour = 3600;

    public string Id => nameof(HugeTables);

    public string Group => CheckGroup.Size;

    public string Title => "No single table takes more than an hour to copy";

    /// <summary>What one stream carries over the Internet between two providers, carefully; on one machine 70 to 90 MB were measured.</summary>
    internal double BytesPerSecond { get; init; } = 20e6;

    public Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        var rate = FindingText.Bytes((long)BytesPerSecond);
        var huge = context.Catalog.Tables.Where(table => table.Bytes > Hour * BytesPerSecond).OrderByDescending(table => table.Bytes).ToList();
        return Task.FromResult(huge.Count == 0
            ? Finding.Pass($"No table is larger than {FindingText.Bytes((long)(Hour * BytesPerSecond))}, what one stream of {rate} a second copies in an hour.")
            : FindingText.Note(
                $"{FindingText.Count(huge.Count, "table takes", "tables take")} more than an hour to copy, were a stream to carry {rate} a second: {FindingText.Several(huge.ConvertAll(table => string.Create(CultureInfo.InvariantCulture, $"{table.QualifiedName} ({FindingText.Bytes(table.Bytes)}, {table.Bytes / BytesPerSecond / Hour:0.0} h)")))}.",
                "A table is copied in one piece: where its copy is broken off it begins anew. The source keeps its dead rows meanwhile. What nobody needs is best deleted, or moved elsewhere, before the start.",
                huge.ConvertAll(table => table.QualifiedName)));
    }
}
