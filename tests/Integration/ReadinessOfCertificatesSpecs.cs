using HerokuMigrator.Lab;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>A server of its own, as it changes its certificate.</summary>
public sealed class CertifiedServer : IAsyncLifetime
{
    public PlanetScaleLikeServer Server { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Server = await PlanetScaleLikeServer.StartAsync(CancellationToken.None);

    public async ValueTask DisposeAsync() => await Server.DisposeAsync();
}

/// <summary>Both sides by the same server, one after the other: the certificate is all that counts here.</summary>
public sealed class ReadinessOfCertificatesSpecs(LabPair lab, CertifiedServer certified) : IClassFixture<CertifiedServer>
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static DateTimeOffset Now => DateTimeOffset.UtcNow;

    [Theory]
    [InlineData("SourceCertificate")]
    [InlineData("TargetCertificate")]
    [Passes("SourceCertificate")]
    [Passes("TargetCertificate")]
    public async Task A_certificate_that_is_verified_and_long_valid_passes(string id)
    {
        await certified.Server.Server.ReplaceCertificateAsync("localhost", Now.AddDays(-1), Now.AddDays(300), Token);

        (await CheckAsync(id, certified.Server.UrlVerifyFull)).MustBe(CheckStatus.Pass);
    }

    [Theory]
    [InlineData("SourceCertificate")]
    [InlineData("TargetCertificate")]
    [Fires("SourceCertificate")]
    [Fires("TargetCertificate")]
    public async Task A_certificate_that_is_verified_and_expires_soon_is_a_warning(string id)
    {
        await certified.Server.Server.ReplaceCertificateAsync("localhost", Now.AddDays(-1), Now.AddDays(5).AddHours(1), Token);

        var check = await CheckAsync(id, certified.Server.UrlVerifyFull);

        check.MustBe(CheckStatus.Warning, "localhost");
        Assert.Contains("expires in 5 days", check.Finding, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(-20, -2, "has expired")]
    [InlineData(2, 20, "not valid yet")]
    public async Task A_certificate_out_of_its_time_is_a_warning_although_nobody_verifies_it(int from, int until, string told)
    {
        await certified.Server.Server.ReplaceCertificateAsync("localhost", Now.AddDays(from), Now.AddDays(until), Token);

        var check = await CheckAsync("TargetCertificate", certified.Server.Url);

        check.MustBe(CheckStatus.Warning);
        Assert.Contains(told, check.Finding, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_unverified_certificate_of_an_unknown_authority_for_another_host_is_a_note_that_says_both()
    {
        await certified.Server.Server.ReplaceCertificateAsync("db.migrator.test", Now.AddDays(-1), Now.AddDays(300), Token);

        var check = await CheckAsync("TargetCertificate", certified.Server.Url);

        check.MustBe(CheckStatus.Note, "db.migrator.test");
        Assert.Contains("signed by Heroku migrator lab authority", check.Finding, StringComparison.Ordinal);
        Assert.Contains("it is not for 127.0.0.1", check.Finding, StringComparison.Ordinal);
        Assert.Contains("sslmode=verify-full", check.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_is_reached_without_tls_shows_no_certificate()
    {
        var server = certified.Server;

        (await CheckAsync("TargetCertificate", $"host={server.Server.SocketFolder} port={server.Server.Port} user={PostgresServer.Superuser} dbname={server.Database.Name}"))
            .MustBe(CheckStatus.Pass);
    }

    private async Task<ReadinessCheck> CheckAsync(string id, string url)
    {
        await using var move = await lab.NewMoveAsync(Token);
        return await move.CheckAsync(id, options => id.StartsWith("Source", StringComparison.Ordinal) ? options with { SourceUrl = url } : options with { TargetUrl = url });
    }
}
