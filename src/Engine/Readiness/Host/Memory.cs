using HerokuMigrator.Catalog;

namespace HerokuMigrator.Readiness;

internal sealed class Memory : IReadinessCheck
{
    /// <summary>Bucardo's processes, its control database, and this program's worker.</summary>
    private const long Base = 400L << 20;

    /// <summary>Bucardo holds the keys of what is to be replayed in hashes (160 bytes for the key of a uuid, measured) and in lists beside them.</summary>
    private const long BytesOfKey = 500;

    private const long Scarce = 512L << 20;

    public string Id => nameof(Memory);

    public string Group => CheckGroup.Host;

    public string Title => "This machine has memory for a backlog of changes";

    public Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken) => Task.FromResult(Judge(context.Catalog, MachineMemory.Available()));

    private static Finding Judge(SourceCatalog catalog, long? available)
    {
        if (available is not { } bytes)
        {
            return Finding.Skipped("This system does not tell how much memory is available.");
        }

        var keys = Math.Max(0, bytes - Base) / BytesOfKey;
        var text = $"{FindingText.Bytes(bytes)} of memory are available: beside what Bucardo and its control database take ({FindingText.Bytes(Base)}), the keys of about {Rounded(keys)} changed rows have room.";
        if (bytes < Scarce)
        {
            return Finding.Warning(
                text,
                "Bucardo holds the keys of all rows that a run replays in memory. Where that runs out the kernel ends it, and it begins again, for ever.",
                $"Give the machine (or the container, the dyno) {FindingText.Bytes(Scarce)} or more, or end other programs on it.");
        }

        var biggest = catalog.Tables.Where(table => table.Mode == TransferMode.Replayed).MaxBy(table => table.RowsEstimate);
        return biggest is not null && biggest.RowsEstimate > keys
            ? FindingText.Note(
                text,
                $"{biggest.QualifiedName} alone has about {Rounded((long)biggest.RowsEstimate)} rows: if most of them change during the copy, as by an update of the whole table, that is not enough.",
                [biggest.QualifiedName])
            : Finding.Pass(text);
    }

    private static string Rounded(long count) => count >= 10_000_000 ? $"{count / 1_000_000} million" : count >= 100_000 ? $"{count / 1000} thousand" : $"{count}";
}
