using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using HerokuMigrator.Lab;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>Connections that cannot be made: each is told on its side, with the next thing to do, and nothing is touched.</summary>
public sealed class BadConnectionSpecs(LabPair lab)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_malformed_connection_string_is_told_without_repeating_any_of_it()
    {
        await using var move = await lab.NewMoveAsync(Token);
        var input = await BadInput.OnAsync(move);
        var raw = move.Target.Owner.Password;
        var encoded = Uri.EscapeDataString(raw);
        string[] malformed =
        [
            $"postgres://u:{raw}@127.0.0.1:5432/db",
            $"postgres://u:{encoded}@127.0.0.1:port/db",
            $"postgres://u:{encoded}@127.0.0.1:70000/db",
            $"mysql://u:{encoded}@127.0.0.1/db",
            $"postgres://u:%ZZ{encoded}@127.0.0.1/db",
            $"postgres://u:{encoded}@127.0.0.1/db?sslmod=require",
            $"postgres://u:{encoded}@127.0.0.1/db?sslmode=sometimes",
            $"host=127.0.0.1 user=u dbname=db password={raw}",
            $"host=127.0.0.1 user=u dbname=db password='{encoded}",
            $"{encoded}",
        ];

        foreach (var text in malformed)
        {
            foreach (var options in new[] { move.Options with { SourceUrl = text }, move.Options with { TargetUrl = text } })
            {
                (await input.FailInEngineAsync("start", options)).MustBe("ConnectionStringInvalid", ErrorKind.InvalidArgument, 1, "Give it as postgres://");
            }
        }

        (await input.FailAsync("start", options => options with { SourceUrl = malformed[0] })).MustBe("ConnectionStringInvalid", ErrorKind.InvalidArgument, 1, "Give it as postgres://");
        (await input.FailInFaceAsync(FaceCall.Of(move, "start", "--json", "--source", malformed[0])))
            .MustBe("ConnectionStringInvalid", ErrorKind.InvalidArgument, 1, "Give it as postgres://");
        (await input.FailAsync("test", options => options with { TargetUrl = malformed[7] })).MustBe("ConnectionStringInvalid", ErrorKind.InvalidArgument, 1, "Give it as postgres://");
        await input.NothingChangedAsync();
    }

    [Fact]
    public async Task A_wrong_password_is_told_on_its_side()
    {
        await using var move = await lab.NewMoveAsync(Token);
        var wrongSource = new LabRole(move.Source.Owner.Name, "wrong: \\p@s/w?o%r'd " + Guid.NewGuid().ToString("N"));
        var wrongTarget = new LabRole(move.Target.Owner.Name, "wrong: \\p@s/w?o%r'd " + Guid.NewGuid().ToString("N"));
        var input = await BadInput.OnAsync(move, [wrongSource, wrongTarget]);

        (await input.FailAsync("start", options => options with { SourceUrl = move.Source.UrlFor(wrongSource) }))
            .MustBe("AuthenticationFailed", ErrorKind.AuthenticationError, 1, "user and password in the source connection string").MustSay(move.Source.ToString());
        (await input.FailAsync("start", options => options with { TargetUrl = move.Target.UrlFor(wrongTarget) }))
            .MustBe("AuthenticationFailed", ErrorKind.AuthenticationError, 1, "user and password in the target connection string").MustSay(move.Target.ToString());
        (await input.FailAsync("test", options => options with { SourceUrl = move.Source.UrlFor(wrongSource) })).MustBe("AuthenticationFailed", ErrorKind.AuthenticationError, 1, "source");
        await input.NothingChangedAsync();
    }

    [Fact]
    public async Task Each_verb_tells_a_wrong_password()
    {
        await using var move = await lab.NewMoveAsync(Token);
        var wrong = new LabRole(move.Target.Owner.Name, "p@s:s/w is wrong " + Guid.NewGuid().ToString("N"));
        var input = await BadInput.OnAsync(move, [wrong]);

        foreach (var verb in new[] { "status", "suspend", "resume", "switch", "undo", "complete" })
        {
            (await input.FailInEngineAsync(verb, move.Options with { TargetUrl = move.Target.UrlFor(wrong) }))
                .MustBe("AuthenticationFailed", ErrorKind.AuthenticationError, 1, "target connection string");
        }

        (await input.FailAsync("switch", options => options with { TargetUrl = move.Target.UrlFor(wrong) }))
            .MustBe("AuthenticationFailed", ErrorKind.AuthenticationError, 1, "target connection string");
        await input.NothingChangedAsync();
    }

    [Fact]
    public async Task A_stop_that_cannot_reach_the_source_leaves_all_as_it_is()
    {
        await using var move = await lab.NewMoveAsync(Token);
        var wrong = new LabRole(move.Source.Owner.Name, "p@s:s/w is wrong " + Guid.NewGuid().ToString("N"));
        await TinySchema.CreateAsync(move.Source, Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        var input = await BadInput.OnAsync(move, [wrong]);

        foreach (var verb in new[] { "start", "resume", "switch", "stop" })
        {
            (await input.FailInEngineAsync(verb, move.Options with { SourceUrl = move.Source.UrlFor(wrong) }))
                .MustBe("AuthenticationFailed", ErrorKind.AuthenticationError, 1, "source connection string");
        }

        await input.NothingChangedAsync();
        Assert.True((await migrator.GetStatusAsync(Token)) is { DaemonRunning: true, Phase: MigrationPhase.Replicating });
        await migrator.StopAsync(Token);
    }

    [Fact]
    public async Task A_host_that_is_unknown_and_one_where_nobody_listens_are_told_apart()
    {
        await using var move = await lab.NewMoveAsync(Token);
        var input = await BadInput.OnAsync(move);
        var unknown = move.Target.Url.Replace("127.0.0.1", "no-such-host.invalid", StringComparison.Ordinal);
        var deserted = move.Target.Url.Replace($":{move.Target.Server.Port}/", $":{FreePort()}/", StringComparison.Ordinal);

        foreach (var side in new[] { "source", "target" })
        {
            (await input.FailAsync("start", options => With(options, side, unknown))).MustBe("HostUnknown", ErrorKind.ConnectionError, 1, $"Check host and port in the {side} connection string");
            (await input.FailInEngineAsync("start", With(move.Options, side, deserted))).MustBe("HostUnreachable", ErrorKind.ConnectionError, 1, $"Check host and port in the {side} connection string");
        }

        await input.NothingChangedAsync();
    }

    [Fact]
    public async Task A_database_that_does_not_exist_is_told()
    {
        await using var move = await lab.NewMoveAsync(Token);
        var input = await BadInput.OnAsync(move);

        (await input.FailAsync("start", options => options with { SourceUrl = move.Source.Url.Replace("/" + move.Source.Name, "/no_such_db", StringComparison.Ordinal) }))
            .MustBe("DatabaseUnknown", ErrorKind.ObjectNotFound, 1, "Check the database's name in the source connection string").MustSay("no_such_db");
        (await input.FailAsync("start", options => options with { TargetUrl = move.Target.Url.Replace("/" + move.Target.Name, "/no_such_db", StringComparison.Ordinal) }))
            .MustBe("DatabaseUnknown", ErrorKind.ObjectNotFound, 1, "Check the database's name in the target connection string").MustSay("no_such_db");
        await input.NothingChangedAsync();
    }

    [Fact]
    public async Task A_server_without_TLS_is_refused_where_TLS_is_required()
    {
        await using var server = await PlanetScaleLikeServer.StartAsync(new PostgresServerOptions { Tls = false }, Token);
        await using var move = await lab.NewMoveAsync(Token);
        var input = await BadInput.OnAsync(move, target: server.Database);

        foreach (var side in new[] { "source", "target" })
        {
            (await input.FailAsync("start", options => With(options, side, server.Url))).MustBe("TlsRefused", ErrorKind.SecurityError, 1, "Enable TLS on the server");
        }

        await input.NothingChangedAsync();
    }

    [Fact]
    public async Task A_certificate_that_does_not_verify_is_refused()
    {
        await using var move = await lab.NewMoveAsync(Token);
        var input = await BadInput.OnAsync(move);
        var folder = Directory.CreateTempSubdirectory("hm-spec-");
        try
        {
            var strange = Path.Combine(folder.FullName, "strange.crt");
            await File.WriteAllTextAsync(strange, StrangeAuthority(), Token);
            foreach (var (side, database) in new (string, LabDatabase)[] { ("source", move.Source), ("target", move.Target) })
            {
                var otherAuthority = database.UrlVerifyFull.Split("&sslrootcert=")[0] + "&sslrootcert=" + Uri.EscapeDataString(strange);
                var otherHost = database.UrlVerifyFull.Replace("@localhost:", "@db.example:", StringComparison.Ordinal) + "&hostaddr=127.0.0.1";
                (await input.FailAsync("start", options => With(options, side, otherAuthority)))
                    .MustBe("CertificateRejected", ErrorKind.SecurityError, 1, $"sslrootcert, or the host that the certificate is for, in the {side} connection string");
                (await input.FailInEngineAsync("start", With(move.Options, side, otherHost))).MustBe("CertificateRejected", ErrorKind.SecurityError, 1, "sslrootcert").MustSay("db.example");
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }

        await input.NothingChangedAsync();
    }

    [Fact]
    public async Task A_follower_as_source_or_as_target_is_refused()
    {
        await using var server = await HerokuLikeServer.StartAsync(Token);
        await using var follower = await server.Server.CreateFollowerAsync(Token);
        await using var move = await lab.NewMoveAsync(Token);
        var input = await BadInput.OnAsync(move, source: server.Database);
        var url = server.Database.UrlFor(server.Database.Owner, server: follower);

        (await input.FailAsync("start", options => options with { SourceUrl = url })).MustBe("NotReady", ErrorKind.InvalidOperation, 3, "Test-MigrationReadiness").MustSay("[SourceIsPrimary]");
        (await input.FailAsync("start", options => options with { TargetUrl = url })).MustBe("NotReady", ErrorKind.InvalidOperation, 3, "Test-MigrationReadiness").MustSay("[TargetIsPrimary]");
        await input.NothingChangedAsync();
    }

    private static MigratorOptions With(MigratorOptions options, string side, string url) =>
        side == "source" ? options with { SourceUrl = url } : options with { TargetUrl = url };

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static string StrangeAuthority()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Strange authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        using var authority = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(2));
        return authority.ExportCertificatePem();
    }
}
