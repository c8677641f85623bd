using HerokuMigrator.Catalog;

namespace HerokuMigrator.Readiness;

internal sealed class TablesCopiedWhole : IReadinessCheck
{
    /// <summary>What a copy within one region carries at the least.</summary>
    private const long BytesPerSecond = 20 << 20;

    /// <summary>Of writes held back, for these tables alone, that an application hardly notices.</summary>
    private const int BearableSeconds = 3;

    public string Id => nameof(TablesCopiedWhole);

    public string Group => CheckGroup.Schema;

    public string Title => "Every table has a key to replay changes by";

    public Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken) => Task.FromResult(Inspect(context.Catalog.Tables));

    private static Finding Inspect(IReadOnlyList<TableInfo> tables)
    {
        var whole = tables.Where(table => table.Mode == TransferMode.CopiedWhole).OrderByDescending(table => table.Bytes).ToList();
        if (whole.Count == 0)
        {
            return Finding.Pass("Changes of every table are replayed by key.");
        }

        var bytes = whole.Sum(table => table.Bytes);
        var seconds = bytes / BytesPerSecond;
        var names = whole.ConvertAll(table => table.QualifiedName);
        var text = $"{FindingText.Count(whole.Count, "table is", "tables are")} copied whole, {FindingText.Bytes(bytes)} in all: "
            + FindingText.Several(whole.ConvertAll(table => $"{table} ({FindingText.Bytes(table.Bytes)}; {table.ModeReason})")) + ".";
        const string Reason = "They are copied once at the start and again during the switch, while writes are held back.";
        return seconds <= BearableSeconds
            ? FindingText.Note(text, Reason, names)
            : Finding.Warning(
                text,
                $"{Reason} That takes about {seconds} s at {FindingText.Bytes(BytesPerSecond)} a second.",
                "Give the big ones a primary key on plain columns (ALTER TABLE … ADD PRIMARY KEY (…);), or empty them of what is not needed, before the start.",
                names);
    }
}
