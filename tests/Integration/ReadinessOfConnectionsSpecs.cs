using HerokuMigrator.Catalog;
using HerokuMigrator.Lab;
using Xunit;

namespace HerokuMigrator.Integration;

public sealed class ReadinessOfConnectionsSpecs(LabPair lab)
{
    [Fact]
    [Fires("SourceIsPrimary")]
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
    [Fires("SameDatabase")]
    public async Task The_same_database_under_two_names_blocks()
    {
        await using var move = await lab.NewMoveAsync(TestContext.Current.CancellationToken);

        var check = await move.CheckAsync("SameDatabase", options => options with { TargetUrl = move.Source.UrlVerifyFull });

        check.MustBe(CheckStatus.Blocked);
    }

    [Fact]
    [Fires("NotPooled")]
    public async Task A_connection_through_a_pooler_that_shares_sessions_blocks()
    {
        await using var move = await lab.NewMoveAsync(TestContext.Current.CancellationToken);
        await using var pooler = new TransactionPooler(move.Target);

        var check = await move.CheckAsync("NotPooled", options => options with { TargetUrl = pooler.Url });

        check.MustBe(CheckStatus.Blocked);
        Assert.Contains("target", check.Finding, StringComparison.Ordinal);
    }

    [Fact]
    [Fires("SourceConnections")]
    public async Task Too_few_free_connections_are_a_warning()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsync($"ALTER ROLE {SqlName.Quote(move.Source.Owner.Name)} CONNECTION LIMIT 11", token);

        var check = await move.CheckAsync("SourceConnections");

        check.MustBe(CheckStatus.Warning);
        Assert.Contains("room for 11 more connections, by the limit of the role", check.Finding, StringComparison.Ordinal);
    }

    [Fact]
    [Fires("TargetIsPrimary")]
    public async Task A_replica_as_target_blocks()
    {
        var token = TestContext.Current.CancellationToken;
        await using var server = await PlanetScaleLikeServer.StartAsync(token);
        await using var replica = await server.Server.CreateFollowerAsync(token);
        await using var move = await lab.NewMoveAsync(token);
        var database = server.Database;

        var report = await ReadinessRunner.RunAsync(move.Options with { TargetUrl = database.UrlFor(database.Owner, server: replica) });

        report.Find("TargetIsPrimary").MustBe(CheckStatus.Blocked);
        Assert.DoesNotContain(report.Checks, check => check.Finding.StartsWith("The check itself failed", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("SourceTls")]
    [InlineData("TargetTls")]
    [Fires("SourceTls")]
    [Fires("TargetTls")]
    [Passes("SourceTls")]
    [Passes("TargetTls")]
    public async Task A_connection_that_may_go_without_encryption_to_another_machine_is_a_warning(string id)
    {
        await using var move = await lab.NewMoveAsync(TestContext.Current.CancellationToken);

        // The second host is never asked, as the first one answers.
        static string Weak(LabDatabase database) => database.UrlFor(database.Owner, "prefer").Replace($"@127.0.0.1:{database.Server.Port}/", $"@127.0.0.1:{database.Server.Port},db.migrator.test:{database.Server.Port}/", StringComparison.Ordinal);
        var check = await move.CheckAsync(id, options => options with { SourceUrl = Weak(move.Source), TargetUrl = Weak(move.Target) });

        check.MustBe(CheckStatus.Warning);
        Assert.Contains("sslmode=require", check.Remedy, StringComparison.Ordinal);
        (await move.CheckAsync(id)).MustBe(CheckStatus.Pass);
    }

    [Fact]
    [Fires("RoundTrips")]
    [Passes("RoundTrips")]
    public async Task A_long_way_to_a_server_is_a_warning_that_says_how_much_longer_the_start_takes()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsOwnerAsync("CREATE TABLE public.items (id int PRIMARY KEY)", token);
        (await move.CheckAsync("RoundTrips")).MustBe(CheckStatus.Pass);
        await using var way = new SlowWay(move.Source.Server, TimeSpan.FromMilliseconds(60));

        var check = await move.CheckAsync("RoundTrips", options => options with { SourceUrl = way.Along(options.SourceUrl!) });

        check.MustBe(CheckStatus.Warning);
        Assert.Contains("on 1 table at", check.Finding, StringComparison.Ordinal);
    }

    [Fact]
    [Fires("Regions")]
    [Passes("Regions")]
    public async Task Servers_in_different_regions_by_their_names_are_a_warning()
    {
        await using var move = await lab.NewMoveAsync(TestContext.Current.CancellationToken);
        (await move.CheckAsync("Regions")).MustBe(CheckStatus.Pass);
        MigratorOptions Between(MigratorOptions options, string source, string target) =>
            options with { SourceUrl = Named(move.Source, source), TargetUrl = Named(move.Target, target) };

        var apart = await move.CheckAsync("Regions", options => Between(options, "ec2-52-1-2-3.compute-1.amazonaws.com", "eu-west-2.pg.psdb.cloud"));
        var together = await move.CheckAsync("Regions", options => Between(options, "ec2-52-1-2-3.compute-1.amazonaws.com", "us-east-3.pg.psdb.cloud"));

        apart.MustBe(CheckStatus.Warning, "ec2-52-1-2-3.compute-1.amazonaws.com", "eu-west-2.pg.psdb.cloud");
        Assert.Contains("AWS us-east-1, the target in AWS eu-west-1", apart.Finding, StringComparison.Ordinal);
        together.MustBe(CheckStatus.Pass);
    }

    [Fact]
    [Fires("SessionSettings")]
    [Passes("SessionSettings")]
    public async Task A_pooler_that_drops_the_settings_of_a_session_blocks()
    {
        await using var move = await lab.NewMoveAsync(TestContext.Current.CancellationToken);
        (await move.CheckAsync("SessionSettings")).MustBe(CheckStatus.Pass);
        await using var pooler = new TransactionPooler(move.Target);

        var check = await move.CheckAsync("SessionSettings", options => options with { TargetUrl = pooler.Url });

        check.MustBe(CheckStatus.Blocked);
        Assert.Contains("row_security", check.Objects);
    }

    [Fact]
    [Fires("SessionTimeouts")]
    [Passes("SessionTimeouts")]
    public async Task A_server_that_ends_idle_sessions_is_a_warning_until_the_remedy_was_run()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Target.ExecuteAsync($"ALTER DATABASE {SqlName.Quote(move.Target.Name)} SET idle_session_timeout = '10min'", token);

        var check = await move.CheckAsync("SessionTimeouts");

        check.MustBe(CheckStatus.Warning, "idle_session_timeout (target)");
        Assert.Contains("600000 ms", check.Finding, StringComparison.Ordinal);
        await move.Target.ExecuteAsOwnerAsync(check.Remedy, token);
        (await move.CheckAsync("SessionTimeouts")).MustBe(CheckStatus.Pass);
    }

    private static string Named(LabDatabase database, string name) =>
        $"{database.Url.Replace("127.0.0.1", name, StringComparison.Ordinal)}&hostaddr=127.0.0.1";
}
