using HerokuMigrator.Connections;
using HerokuMigrator.Processes;
using Npgsql;
using Xunit;

namespace HerokuMigrator.Unit.Connections;

/// <summary>TLS and the other ways to a server, each asked of the real psql too: both must come to the same end.</summary>
public sealed class DataSourceSpecs(TemporaryServer server) : IDisposable
{
    private const string Secret = "hunter2-ä";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("hm-source-");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private ConnectionEnvironment Home => new() { UserName = "nobody", HomeFolder = _folder.FullName };

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("host=localhost", true, null)]
    [InlineData("host=localhost sslmode=require", true, null)]
    [InlineData("host=127.0.0.1 sslmode=require", true, null)]
    [InlineData("host=localhost sslmode=verify-full sslrootcert=ROOT", true, null)]
    [InlineData("host=localhost sslmode=verify-ca sslrootcert=ROOT", true, null)]
    [InlineData("host=127.0.0.1 sslmode=verify-ca sslrootcert=ROOT", true, null)]
    [InlineData("host=127.0.0.1 sslmode=verify-full sslrootcert=ROOT", true, "CertificateRejected")]
    [InlineData("host=localhost sslmode=verify-full sslrootcert=STRANGE", true, "CertificateRejected")]
    [InlineData("host=localhost sslmode=verify-ca sslrootcert=STRANGE", true, "CertificateRejected")]
    [InlineData("host=localhost sslmode=require sslrootcert=STRANGE", true, "CertificateRejected")]
    [InlineData("host=localhost sslmode=require sslrootcert=/no/such.crt", true, null)]
    [InlineData("host=localhost sslmode=prefer sslrootcert=STRANGE", true, "CertificateRejected")]
    [InlineData("host=db.migrator.test hostaddr=127.0.0.1 sslmode=verify-full sslrootcert=ROOT", true, null)]
    [InlineData("host=db.elsewhere.test hostaddr=127.0.0.1 sslmode=verify-full sslrootcert=ROOT", true, "CertificateRejected")]
    [InlineData("host=db.elsewhere.test hostaddr=127.0.0.1 sslmode=require", true, null)]
    [InlineData("hostaddr=127.0.0.1 sslmode=require", true, null)]
    [InlineData("host=localhost sslmode=verify-full sslrootcert=ROOT sslsni=0", true, null)]
    [InlineData("host=localhost sslmode=require ssl_max_protocol_version=TLSv1.2", true, null)]
    [InlineData("host=localhost sslmode=require channel_binding=require", true, null)]
    [InlineData("host=localhost sslmode=disable", true, "TlsRefused")]
    [InlineData("host=localhost sslmode=allow", true, null)]
    [InlineData("host=localhost", false, null)]
    [InlineData("host=localhost sslmode=require", false, "TlsRefused")]
    [InlineData("host=localhost sslmode=verify-full sslrootcert=ROOT", false, "TlsRefused")]
    [InlineData("host=localhost sslmode=disable", false, null)]
    public async Task Npgsql_comes_to_the_same_end_as_psql(string connectionString, bool hasTls, string? errorId)
    {
        await server.StartAsync();
        var text = connectionString.Replace("ROOT", server.RootCertificate).Replace("STRANGE", server.StrangeRootCertificate)
            + $" port={(hasTls ? server.Port : server.ForkPort)} user={await UserAsync()} password='{Secret}' dbname=postgres";
        var settings = ConnectionSettings.Parse(text, Home);

        Assert.Equal(errorId is null ? 0 : 2, await ExitCodeOfPsqlAsync(settings));
        if (errorId is null)
        {
            await using var source = settings.CreateDataSource("spec");
            await using var connection = await ConnectionErrors.OpenAsync(source, "source", settings.Address, Token);
            var isEncrypted = await AskAsync(connection, "SELECT ssl::text FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
            Assert.Equal(hasTls ? "true" : "false", isEncrypted);
            return;
        }

        await AssertFailsAsync(settings, errorId);
    }

    [Theory]
    [InlineData("ssl_max_protocol_version=TLSv1.2", "TLSv1.2")]
    [InlineData("ssl_min_protocol_version=TLSv1.3", "TLSv1.3")]
    public async Task The_TLS_version_is_as_asked_for(string setting, string version)
    {
        await server.StartAsync();
        var settings = ConnectionSettings.Parse($"host=localhost sslmode=require {setting} port={server.Port} user={await UserAsync()} password='{Secret}' dbname=postgres", Home);

        await using var source = settings.CreateDataSource("spec");
        await using var connection = await source.OpenConnectionAsync(Token);

        Assert.Equal(version, await AskAsync(connection, "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()"));
    }

    [Fact]
    public async Task A_root_certificate_in_the_home_counts_as_for_libpq()
    {
        await server.StartAsync();
        var folder = _folder.CreateSubdirectory(".postgresql");
        var text = $"host=localhost sslmode=require port={server.Port} user={await UserAsync()} password='{Secret}' dbname=postgres";

        File.Copy(server.RootCertificate, Path.Combine(folder.FullName, "root.crt"));
        Assert.Equal(0, await ExitCodeOfPsqlAsync(ConnectionSettings.Parse(text, Home)));
        await using (var source = ConnectionSettings.Parse(text, Home).CreateDataSource("spec"))
            await (await source.OpenConnectionAsync(Token)).DisposeAsync();

        File.Copy(server.StrangeRootCertificate, Path.Combine(folder.FullName, "root.crt"), overwrite: true);
        var settings = ConnectionSettings.Parse(text, Home);
        Assert.Equal(2, await ExitCodeOfPsqlAsync(settings));
        await AssertFailsAsync(settings, "CertificateRejected");
    }

    [Fact]
    public async Task The_authorities_of_the_system_do_not_know_ours()
    {
        await server.StartAsync();
        foreach (var root in new[] { " sslrootcert=system", "" })
            await AssertFailsAsync(ConnectionSettings.Parse($"host=localhost sslmode=verify-full{root} port={server.Port} user={await UserAsync()} password='{Secret}' dbname=postgres", Home), "CertificateRejected");
    }

    [Theory]
    [InlineData(null)]
    [InlineData("key's p@ssword")]
    public async Task A_client_certificate_is_shown(string? keyPassword)
    {
        await server.StartAsync();
        await server.EnsureRoleAsync("by_certificate", password: null, Token);
        var (certificate, key) = await server.ClientCertificateAsync(_folder, "by_certificate", keyPassword, Token);
        var url = $"postgres://by_certificate@localhost:{server.Port}/postgres?sslmode=verify-full&sslrootcert={server.RootCertificate}&sslcert={certificate}&sslkey={key}"
            + (keyPassword is null ? "" : $"&sslpassword={Uri.EscapeDataString(keyPassword)}");
        var settings = ConnectionSettings.Parse(url, Home);

        await using var source = settings.CreateDataSource("spec");
        await using var connection = await ConnectionErrors.OpenAsync(source, "source", settings.Address, Token);

        Assert.Equal("by_certificate", await AskAsync(connection, "SELECT current_user::text"));
        Assert.Equal(0, await ExitCodeOfPsqlAsync(settings));
    }

    [Fact]
    public async Task Certificate_files_that_cannot_be_used_are_told_before_anything_is_opened()
    {
        await server.StartAsync();
        var garbage = Path.Combine(_folder.FullName, "garbage");
        await File.WriteAllTextAsync(garbage, "no pem", Token);

        foreach (var text in new[] { $"sslrootcert={garbage}", $"sslcert={garbage} sslkey={garbage}", $"sslcert={garbage} sslkey=/no/such" })
        {
            var error = Assert.Throws<MigrationException>(() => ConnectionSettings.Parse($"host=localhost sslmode=require {text}", Home).CreateDataSource("spec"));
            Assert.Equal("ConnectionFileInvalid", error.ErrorId);
        }
    }

    [Fact]
    public async Task Sessions_have_our_name_the_settings_and_no_time_limit()
    {
        await server.StartAsync();
        var settings = ConnectionSettings.Parse($"host=localhost port={server.Port} user={await UserAsync()} password='{Secret}' dbname=postgres application_name=theirs client_encoding=LATIN1 options='-c work_mem=1MB -c lock_timeout=5'", Home);
        var serverSettings = new Dictionary<string, string> { ["work_mem"] = "3MB", ["TimeZone"] = "Asia/Tokyo", ["spec.empty"] = "" };

        await using var source = settings.CreateDataSource("heroku-migrator spec", serverSettings);
        await using var connection = await source.OpenConnectionAsync(Token);

        Assert.Equal("heroku-migrator spec|UTF8|3MB|5ms|Asia/Tokyo|", await AskAsync(connection, "SELECT concat_ws('|', current_setting('application_name'), current_setting('client_encoding'), current_setting('work_mem'), current_setting('lock_timeout'), current_setting('TimeZone'), current_setting('spec.empty'))"));
        Assert.Equal(0, new NpgsqlCommand("SELECT 1", connection).CommandTimeout);
        Assert.DoesNotContain("hunter2", source.ConnectionString + connection.ConnectionString + connection);
    }

    [Theory]
    [InlineData("read-write", null)]
    [InlineData("primary", null)]
    [InlineData("prefer-standby", null)]
    [InlineData("any", null)]
    [InlineData("standby", "ConnectionFailed")]
    [InlineData("read-only", "ConnectionFailed")]
    public async Task What_the_session_must_be_is_checked_for_one_host_too(string attributes, string? errorId)
    {
        await server.StartAsync();
        var settings = ConnectionSettings.Parse($"host=localhost port={server.Port} user={await UserAsync()} password='{Secret}' dbname=postgres target_session_attrs={attributes}", Home);

        if (errorId is not null)
        {
            await AssertFailsAsync(settings, errorId);
            return;
        }

        await using var source = settings.CreateDataSource("spec");
        await using var connection = await ConnectionErrors.OpenAsync(source, "source", settings.Address, Token);
        Assert.Equal("1", await AskAsync(connection, "SELECT '1'"));
    }

    [Theory]
    [InlineData("require_auth=scram-sha-256", true)]
    [InlineData("require_auth=!password,!md5", true)]
    [InlineData("require_auth=md5", false)]
    public async Task The_way_to_authenticate_can_be_limited(string setting, bool isAllowed)
    {
        await server.StartAsync();
        var settings = ConnectionSettings.Parse($"host=localhost port={server.Port} user={await UserAsync()} password='{Secret}' dbname=postgres {setting}", Home);

        if (!isAllowed)
        {
            await AssertFailsAsync(settings, "ConnectionFailed");
            return;
        }

        await using var source = settings.CreateDataSource("spec");
        await using var connection = await ConnectionErrors.OpenAsync(source, "source", settings.Address, Token);
        Assert.Equal("1", await AskAsync(connection, "SELECT '1'"));
    }

    [Fact]
    public async Task Each_host_is_tried_with_its_own_password()
    {
        await server.StartAsync();
        var user = await UserAsync();
        var file = Path.Combine(_folder.FullName, ".pgpass");
        await File.WriteAllTextAsync(file, $"127.0.0.1:1:*:*:wrong\nlocalhost:{server.Port}:*:{user}:{Secret}\n", Token);
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var settings = ConnectionSettings.Parse($"postgres://{user}@127.0.0.1:1,localhost:{server.Port}/postgres", Home);

        await using var source = settings.CreateDataSource("spec");
        await using var connection = await ConnectionErrors.OpenAsync(source, "source", settings.Address, Token);

        Assert.Equal(user, await AskAsync(connection, "SELECT current_user::text"));
    }

    private async Task<string> UserAsync()
    {
        await server.EnsureRoleAsync("tls_user", Secret, Token);
        return "tls_user";
    }

    private static async Task AssertFailsAsync(ConnectionSettings settings, string errorId)
    {
        await using var source = settings.CreateDataSource("spec");

        var error = await Assert.ThrowsAsync<MigrationException>(() => ConnectionErrors.OpenAsync(source, "source", settings.Address, Token));

        Assert.Equal(errorId, error.ErrorId);
        Assert.Contains($"The source database {settings.Address} cannot be reached", error.Message);
        Assert.NotEmpty(error.RecommendedAction);
        Assert.NotNull(error.InnerException);
        Assert.DoesNotContain("hunter2", error.ToString());
    }

    private static async Task<string?> AskAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return (string?)await command.ExecuteScalarAsync(Token);
    }

    private async Task<int> ExitCodeOfPsqlAsync(ConnectionSettings settings)
    {
        var folder = Path.Combine(_folder.FullName, "services");
        await ConnectionSettings.WriteServiceFilesAsync(folder, new Dictionary<string, ConnectionSettings> { ["db"] = settings }, new Dictionary<string, string>(), Token);
        var command = new ExternalCommand(Programs.Find(Programs.Psql))
            .WithArguments("-XAt", "-c", "SELECT 1", "service=db")
            .WithEnvironment(ConnectionSettings.ServiceEnvironment(folder))
            .WithEnvironment("HOME", _folder.FullName);
        var result = await new ProcessRunner().RunAsync(command, Token);
        Assert.DoesNotContain("hunter2", result.StandardError);
        return result.ExitCode;
    }
}
