using HerokuMigrator.Lab;
using Xunit;

namespace HerokuMigrator.Integration;

public sealed class ReadinessOfConnectionsSpecs(LabPair lab)
{
    [Fact]
    public async Task A_follower_as_source_blocks()
    {
        var token = TestContext.Current.CancellationToken;
        await using var server = await HerokuLikeServer.StartAsync(token);
        await using var follower = await server.Server.CreateFollowerAsync(token);
        await using var move = await lab.NewMoveAsync(token);
        var database = server.Database;

        var report = await ReadinessRunner.RunAsync(move.Options with { SourceUrl = database.UrlFor(database.Owner, server: follower) });

        report.Find("SourceIsPrimary").MustBe(CheckStatus.Blocked);
        report.Find("SourceCanCreateTrigger").MustBe(CheckStatus.Skipped);
        Assert.DoesNotContain(report.Checks, check => check.Finding.StartsWith("The check itself failed", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_same_database_under_two_names_blocks()
    {
        await using var move = await lab.NewMoveAsync(TestContext.Current.CancellationToken);

        var check = await move.CheckAsync("SameDatabase", options => options with { TargetUrl = move.Source.UrlVerifyFull });

        check.MustBe(CheckStatus.Blocked);
    }

    [Fact]
    public async Task A_connection_through_a_pooler_that_shares_sessions_blocks()
    {
        await using var move = await lab.NewMoveAsync(TestContext.Current.CancellationToken);
        await using var pooler = new TransactionPooler(move.Target);

        var check = await move.CheckAsync("NotPooled", options => options with { TargetUrl = pooler.Url });

        check.MustBe(CheckStatus.Blocked);
        Assert.Contains("target", check.Finding, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Too_few_free_connections_are_a_warning()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsync($"ALTER ROLE {Catalog.SqlName.Quote(move.Source.Owner.Name)} CONNECTION LIMIT 11", token);

        var check = await move.CheckAsync("SourceConnections");

        check.MustBe(CheckStatus.Warning);
        Assert.Contains("room for 11 more connections, by the limit of the role", check.Finding, StringComparison.Ordinal);
    }
}
