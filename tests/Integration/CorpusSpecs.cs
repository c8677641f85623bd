using HerokuMigrator.Lab;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>
/// Schemas of real applications, moved whole under writes to every table: start, switch, comparison, complete. A few in an ordinary run;
/// all that there are in that of <c>./build.sh test-corpus</c>, where none may be missing.
/// </summary>
public sealed class CorpusSpecs(CorpusMoves moves) : IClassFixture<CorpusMoves>
{
    public static TheoryData<string> Names => [.. CorpusMoves.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task A_schema_of_a_real_application_moves_as_its_readiness_report_foretells(string name)
    {
        if (CorpusMoves.Obstacle(name) is { } obstacle)
        {
            Assert.False(CorpusMoves.IsWhole, $"{name} cannot be moved here: {obstacle}.");
            Assert.Skip($"{name} is left out: {obstacle}.");
        }

        var result = await moves.ResultOfAsync(name, TestContext.Current.CancellationToken);

        Assert.True(result.IsEqual, $"{result}\n{string.Join('\n', result.Met)}");
        Assert.Empty(result.Surprises);
        Assert.True(result.Statements >= 150, string.Join('\n', result.Remarks));
    }

    [Fact]
    public async Task The_writers_changed_keys_rows_without_keys_and_rows_of_partitions_meanwhile()
    {
        List<CorpusResult> results = [];
        foreach (var name in CorpusMoves.Names.Where(name => CorpusMoves.Obstacle(name) is null))
        {
            results.Add(await moves.ResultOfAsync(name, TestContext.Current.CancellationToken));
        }

        Assert.SkipWhen(results.Count < CorpusMoves.Names.Count, "Not all of the schemas are here that show it.");
        Assert.All(["insert", "update", "key", "delete"], kind => Assert.Contains(results, result => result.Kinds.GetValueOrDefault(kind) > 0));
        Assert.Contains(results, result => result.KeylessWritten > 0);
        Assert.Contains(results, result => result.PartitionsWritten > 0);
        // Those that were written, and no others need be.
        Assert.Contains(results, result => result.CopiedUnderFence > 0);
    }
}
