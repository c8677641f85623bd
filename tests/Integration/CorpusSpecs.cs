using HerokuMigrator.Lab;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>Small schemas of real applications, each awkward in its own way. All of them: the lab's command <c>corpus --all</c>.</summary>
public sealed class CorpusSpecs(LabPair lab)
{
    [Theory]
    [InlineData("OpenEpicData__GamerClubAPI")]            // tables without a key
    [InlineData("roschaefer__rundfunk-mitbestimmen")]     // inheritance, materialized views on each other, exclusion constraints
    public async Task A_schema_of_a_real_application_moves_as_its_readiness_report_foretells(string name)
    {
        var corpus = CorpusFolder.Find(out var missing);
        Assert.SkipWhen(corpus is null, $"{name} is left out: {missing}.");
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);

        var result = await new CorpusMove(corpus!, corpus!.Get(name), move).RunAsync(rows: 60, statements: 150, token);

        Assert.True(result.IsEqual, $"{result}\n{string.Join('\n', result.Met)}");
        Assert.Empty(result.Surprises);
        Assert.True(result.Statements >= 150, string.Join('\n', result.Remarks));
    }
}
