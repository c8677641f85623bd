using System.Globalization;
using HerokuMigrator.Catalog;

namespace HerokuMigrator.Copy;

/// <summary>A range of a table's blocks on the source. The last one is open, as the table may have grown since.</summary>
/// <param name="Number">From 1.</param>
/// <param name="PlannedBytes">Its share of what the table took, heap and TOAST, when the chunks were planned.</param>
internal sealed record CopyChunk(TableInfo Table, int Number, long FirstBlock, long? EndBlock, long PlannedBytes)
{
    /// <summary>What the server scans as a range, from PostgreSQL 14 on.</summary>
    public string Condition => string.Create(
        CultureInfo.InvariantCulture,
        $"ctid >= '({FirstBlock},0)'{(EndBlock is { } end ? $" AND ctid < '({end},0)'" : "")}");

    /// <summary>Even ranges of about that many bytes.</summary>
    public static IReadOnlyList<CopyChunk> Plan(TableInfo table, long blocks, long bytes, long chunkBytes)
    {
        var count = Math.Clamp((bytes + chunkBytes - 1) / chunkBytes, 1, Math.Max(1, blocks));
        return
        [
            .. Enumerable.Range(0, (int)count).Select(at => new CopyChunk(
                table, at + 1, blocks * at / count, at + 1 == count ? null : blocks * (at + 1) / count, (bytes * (at + 1) / count) - (bytes * at / count))),
        ];
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Table}, chunk {Number}");
}
