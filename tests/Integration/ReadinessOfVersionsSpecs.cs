using HerokuMigrator.Lab;
using Npgsql;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>A server of PostgreSQL 13, where that can be had.</summary>
public sealed class OlderServer : IAsyncLifetime
{
    private PostgresServer? _server;
    private string _reason = "";

    public async ValueTask InitializeAsync()
    {
        (var bin, _reason) = await OtherPostgres.FindAsync(13, CancellationToken.None);
        if (bin is not null)
        {
            _server = await PostgresServer.StartAsync(new PostgresServerOptions { BinFolder = bin, Tls = false, Settings = new Dictionary<string, string> { ["password_encryption"] = "'scram-sha-256'" } }, CancellationToken.None);
        }
    }

    /// <summary>The URL of a fresh database; skips the spec where there is no such server.</summary>
    public Task<string> NewDatabaseAsync(CancellationToken cancellationToken)
    {
        Assert.SkipWhen(_server is null, _reason);
        return OtherPostgres.CreateDatabaseAsync(_server!, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }
}

public sealed class ReadinessOfVersionsSpecs(LabPair lab, OlderServer older) : IClassFixture<OlderServer>
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    [Fires("ServerVersions")]
    public async Task A_target_that_is_older_than_the_source_blocks()
    {
        var url = await older.NewDatabaseAsync(Token);
        await using var move = await lab.NewMoveAsync(Token);

        var check = await move.CheckAsync("ServerVersions", options => options with { TargetUrl = url });

        check.MustBe(CheckStatus.Blocked);
        Assert.Contains("PostgreSQL 13", check.Finding, StringComparison.Ordinal);
    }

    [Fact]
    [Fires("RemovedFeatures")]
    [Passes("RemovedFeatures")]
    public async Task What_the_newer_version_no_longer_takes_blocks_until_the_remedy_was_run()
    {
        var url = await older.NewDatabaseAsync(Token);
        await using var move = await lab.NewMoveAsync(Token);
        await ExecuteAsync(
            url,
            """
            CREATE SCHEMA "Odd";
            CREATE FUNCTION public.half(integer) RETURNS integer LANGUAGE sql AS 'SELECT $1 / 2';
            CREATE OPERATOR public.%%% (LEFTARG = integer, PROCEDURE = public.half);
            CREATE AGGREGATE public.collect(anyelement) (SFUNC = array_append, STYPE = anyarray, INITCOND = '{}');
            CREATE VIEW "Odd"."Tls" AS SELECT pid, compression FROM pg_stat_ssl;
            CREATE VIEW public.activity AS SELECT pid, query FROM pg_stat_activity;
            """);

        var check = await move.CheckAsync("RemovedFeatures", options => options with { SourceUrl = url });

        check.MustBe(CheckStatus.Blocked, "public.%%% (integer, NONE)", "public.collect(anyelement)", "\"Odd\".\"Tls\"");
        Assert.Contains("pg_stat_ssl.compression is not there", check.Finding, StringComparison.Ordinal);
        await ExecuteAsync(url, check.Remedy);
        (await move.CheckAsync("RemovedFeatures", options => options with { SourceUrl = url })).MustBe(CheckStatus.Pass);
    }

    [Fact]
    public async Task No_check_fails_on_a_source_of_the_oldest_version()
    {
        var url = await older.NewDatabaseAsync(Token);
        await using var move = await lab.NewMoveAsync(Token);
        await ExecuteAsync(url, "CREATE TABLE public.items (id integer PRIMARY KEY, at timestamptz DEFAULT now()); INSERT INTO public.items SELECT generate_series(1, 100); CREATE SEQUENCE public.numbers");

        var report = await ReadinessRunner.RunAsync(move.Options with { SourceUrl = url });

        Assert.Equal([], report.Checks.Where(check => check.Finding.StartsWith("The check itself failed", StringComparison.Ordinal)).Select(check => $"{check.Id}: {check.Finding}"));
    }

    private static async Task ExecuteAsync(string url, string sql)
    {
        await using var source = Connections.ConnectionSettings.Parse(url).CreateDataSource("spec");
        await using var connection = await source.OpenConnectionAsync(Token);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(Token);
    }
}
