using HerokuMigrator.Catalog;
using HerokuMigrator.Copy;
using Xunit;

namespace HerokuMigrator.Unit.Copy;

public sealed class CopyChunkSpecs
{
    private static readonly TableInfo Table = new() { Oid = 1, Schema = "public", Name = "t", Owner = "o", Owned = true, Columns = [] };

    [Theory]
    [InlineData(1, 8192, 1000)]
    [InlineData(1000, 8_192_000, 1_000_000)]
    [InlineData(7, 57_344, 1)]
    // A few blocks with rows of hundreds of megabytes.
    [InlineData(3, 2_000_000_000, 64_000_000)]
    [InlineData(0, 0, 64_000_000)]
    public void Chunks_follow_each_other_without_a_gap_and_the_last_one_is_open(long blocks, long bytes, long chunkBytes)
    {
        var chunks = CopyChunk.Plan(Table, blocks, bytes, chunkBytes);

        Assert.Equal(0, chunks[0].FirstBlock);
        Assert.Null(chunks[^1].EndBlock);
        Assert.Equal(chunks.Skip(1).Select(chunk => (long?)chunk.FirstBlock), chunks.SkipLast(1).Select(chunk => chunk.EndBlock));
        Assert.All(chunks.SkipLast(1), chunk => Assert.True(chunk.EndBlock > chunk.FirstBlock));
        Assert.Equal(bytes, chunks.Sum(chunk => chunk.PlannedBytes));
        Assert.Equal(Enumerable.Range(1, chunks.Count), chunks.Select(chunk => chunk.Number));
    }

    [Fact]
    public void A_chunk_says_its_range_as_the_server_scans_it()
    {
        var chunks = CopyChunk.Plan(Table, 10, 100, 50);

        Assert.Equal(["ctid >= '(0,0)' AND ctid < '(5,0)'", "ctid >= '(5,0)'"], chunks.Select(chunk => chunk.Condition));
    }
}
