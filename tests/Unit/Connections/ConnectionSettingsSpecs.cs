using System.Text.Json;
using HerokuMigrator.Connections;
using Npgsql;
using Xunit;

namespace HerokuMigrator.Unit.Connections;

public sealed class ConnectionSettingsSpecs : IDisposable
{
    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("hm-home-");

    public void Dispose() => _home.Delete(recursive: true);

    private ConnectionEnvironment Environment(params (string Name, string Value)[] variables) => new()
    {
        HomeFolder = _home.FullName,
        UserName = "me",
        Variables = variables.ToDictionary(variable => variable.Name, variable => variable.Value),
    };

    private ConnectionSettings Parse(string connectionString, params (string, string)[] variables) => ConnectionSettings.Parse(connectionString, Environment(variables));

    private async Task<string> WriteAsync(string name, string content, bool isPrivate = true)
    {
        var path = Path.Combine(_home.FullName, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        await File.WriteAllTextAsync(path, content, TestContext.Current.CancellationToken);
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | (isPrivate ? UnixFileMode.None : UnixFileMode.GroupRead));
        return path;
    }

    [Theory]
    [InlineData("postgres://u:p@h:5433/db", "u@h:5433/db", "p")]
    [InlineData("postgres://u%40v:p%2Fq@h/d%20b", "u@v@h:5432/d b", "p/q")]
    [InlineData("postgres://u@[::1]:1/db", "u@::1:1/db", null)]
    [InlineData("postgres://a:1,b:2/db", "me@a,b:1/db", null)]
    [InlineData("postgresql:///db?host=/run/x&port=7", "me@/run/x:7/db", null)]
    [InlineData("postgresql://%2Frun%2Fx:7/db", "me@/run/x:7/db", null)]
    [InlineData("host=h user=u", "u@h:5432/u", null)]
    [InlineData("hostaddr=10.0.0.1", "me@10.0.0.1:5432/me", null)]
    [InlineData("host=h hostaddr=10.0.0.1 port=''", "me@h:5432/me", null)]
    [InlineData("host=h user='' dbname='' password=''", "me@h:5432/me", null)]
    public void Tells_which_database_is_meant(string connectionString, string address, string? password)
    {
        var settings = Parse(connectionString);

        Assert.Equal((address, password), (settings.ToString(), settings.Password));
        Assert.Equal(connectionString, settings.Address.RevealConnectionString());
    }

    [Theory]
    [InlineData("postgres://h/db", SslMode.Require, false)]
    [InlineData("postgres://db.example.com,localhost/db", SslMode.Require, false)]
    [InlineData("postgres://localhost/db", SslMode.Prefer, false)]
    [InlineData("postgres://127.0.0.2/db", SslMode.Prefer, false)]
    [InlineData("postgres://[::1]/db", SslMode.Prefer, false)]
    [InlineData("host=h hostaddr=127.0.0.1", SslMode.Prefer, false)]
    [InlineData("host=localhost hostaddr=10.0.0.1", SslMode.Require, false)]
    [InlineData("postgres:///db?host=/run/x", SslMode.Prefer, false)]
    [InlineData("postgres://h/db?sslmode=disable", SslMode.Disable, true)]
    [InlineData("postgres://h/db?sslmode=allow", SslMode.Allow, true)]
    [InlineData("postgres://h/db?sslmode=prefer", SslMode.Prefer, true)]
    [InlineData("postgres://h/db?sslmode=require", SslMode.Require, false)]
    [InlineData("postgres://h/db?sslmode=verify-full", SslMode.VerifyFull, false)]
    [InlineData("postgres://h/db?sslrootcert=system", SslMode.VerifyFull, false)]
    [InlineData("postgres://h/db?ssl=true", SslMode.Require, false)]
    [InlineData("postgres://localhost/db?sslmode=disable", SslMode.Disable, false)]
    public void Asks_for_TLS_outside_of_this_machine_and_warns_of_less(string connectionString, SslMode mode, bool isWeak)
    {
        var settings = Parse(connectionString);

        Assert.Equal((mode, isWeak, isWeak), (settings.SslMode, settings.IsWeakTls, settings.WeakTlsWarning is not null));
    }

    [Fact]
    public void No_text_of_it_holds_the_password()
    {
        var settings = Parse("postgres://u:hunter%322@h/db?sslpassword=swordfish&sslmode=disable");

        var texts = settings + settings.Address.ToString() + JsonSerializer.Serialize(settings) + settings.WeakTlsWarning
            + string.Join(' ', settings.Keywords) + string.Join(' ', settings.Notes) + string.Join(' ', settings.Hosts)
            + settings.CreateDataSource("test").ConnectionString;
        Assert.DoesNotContain("hunter", texts);
        Assert.DoesNotContain("swordfish", texts);
        Assert.Equal(["hunter%322", "hunter22", "swordfish"], settings.Secrets.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_environment_fills_in_what_the_string_leaves_open()
    {
        var settings = Parse("user=u", ("PGHOST", "envhost"), ("PGPORT", "6"), ("PGDATABASE", "envdb"), ("PGUSER", "envuser"), ("PGPASSWORD", "envpw"), ("PGSSLMODE", "verify-ca"), ("PGOPTIONS", "-c a=b"));

        Assert.Equal(("u@envhost:6/envdb", "envpw", SslMode.VerifyCA, "-c a=b"), (settings.ToString(), settings.Password, settings.SslMode, settings.Keywords["options"]));
        Assert.Contains("envpw", settings.Secrets);
    }

    [Fact]
    public void An_old_variable_asks_for_TLS_too() =>
        Assert.Equal(SslMode.Require, Parse("host=localhost", ("PGREQUIRESSL", "1")).SslMode);

    [Fact]
    public void An_empty_value_keeps_the_environment_out() =>
        Assert.Equal("u@h:5432/u", Parse("host=h user=u port='' dbname=''", ("PGPORT", "6"), ("PGDATABASE", "x")).ToString());

    [Fact]
    public async Task A_service_comes_before_the_environment_and_after_the_string()
    {
        var file = await WriteAsync("services", "# comment\n[other]\nhost=no\n\n[prod]\nhost=svc \n  port=7\ndbname= d b\nuser=svcuser\npassword=svc=pw\n[more]\nhost=no\n");

        var settings = Parse("service=prod user=u", ("PGSERVICEFILE", file), ("PGHOST", "no"), ("PGPORT", "8"));

        Assert.Equal(("u@svc:7/ d b", "svc=pw"), (settings.ToString(), settings.Password));
    }

    [Fact]
    public async Task A_service_is_found_in_the_home_then_in_the_system_folder()
    {
        await WriteAsync(".pg_service.conf", "[a]\nhost=home\n");
        await WriteAsync("sys/pg_service.conf", "[a]\nhost=no\n[b]\nhost=system\n");
        var folder = ("PGSYSCONFDIR", Path.Combine(_home.FullName, "sys"));

        Assert.Equal("home", Parse("service=a", folder).Address.Host);
        Assert.Equal("system", Parse("", [("PGSERVICE", "b"), folder], isEmptyAllowed: true).Address.Host);
        Assert.Equal("ConnectionServiceUnknown", Assert.Throws<MigrationException>(() => Parse("service=c", folder)).ErrorId);
    }

    private ConnectionSettings Parse(string rest, (string, string)[] variables, bool isEmptyAllowed) => Parse(isEmptyAllowed && rest.Length == 0 ? "port=5432" : rest, variables);

    [Theory]
    [InlineData("[a]\nhost\n")]
    [InlineData("[a]\nhost =x\n")]
    [InlineData("[a]\nnonsense=x\n")]
    [InlineData("[a]\nservice=b\n")]
    [InlineData("[a]\nldap://x\n")]
    public async Task A_broken_service_file_is_told_by_file_and_line(string content)
    {
        var file = await WriteAsync("services", content);

        var error = Assert.Throws<MigrationException>(() => Parse("service=a", ("PGSERVICEFILE", file)));

        Assert.Equal("ConnectionServiceInvalid", error.ErrorId);
        Assert.Contains($"{file}, line 2", error.Message);
    }

    [Fact]
    public void A_missing_service_file_is_told() =>
        Assert.Equal("ConnectionServiceUnknown", Assert.Throws<MigrationException>(() => Parse("service=a", ("PGSERVICEFILE", "/no/such/file"))).ErrorId);

    [Theory]
    [InlineData("h:5432:db:u:pw", "pw")]
    [InlineData("*:*:*:*:pw", "pw")]
    [InlineData("h:5433:db:u:no\nh:*:db:*:yes", "yes")]
    [InlineData("#h:5432:db:u:no\n\nh:5432:db:u:a\\:b\\\\c", "a:b\\c")]
    [InlineData("h:5432:db:u:pw:rest", "pw")]
    [InlineData("h:5432:db:u:pw\r", "pw")]
    [InlineData("h:5432:db:u: p w ", " p w ")]
    [InlineData("h:5432:db:other:pw", null)]
    [InlineData("h:5432:db:u", null)]
    public async Task A_password_file_is_read_as_libpq_reads_it(string content, string? password)
    {
        await WriteAsync(".pgpass", content);

        Assert.Equal(password, Parse("postgres://u@h/db").Password);
    }

    [Fact]
    public async Task Names_with_colons_are_escaped_in_password_files()
    {
        var file = await WriteAsync("pw", "\\:\\:1:5432:d\\:b:u\\\\v:secret");

        Assert.Equal("secret", Parse($"host=::1 dbname=d:b user=u\\\\v passfile={file}").Password);
        Assert.Equal("secret", Parse("host=::1 dbname=d:b user=u\\\\v", ("PGPASSFILE", file)).Password);
    }

    [Fact]
    public async Task Each_host_has_its_own_password()
    {
        await WriteAsync(".pgpass", "a:1:db:u:one\nb:2:db:u:two\n");

        var settings = Parse("postgres://u@a:1,b:2,c:3/db");

        Assert.Equal(["one", "two", null], settings.Hosts.Select(settings.PasswordOf));
    }

    [Fact]
    public async Task A_default_socket_folder_is_called_localhost_in_password_files()
    {
        await WriteAsync(".pgpass", "localhost:5432:db:u:pw");

        Assert.Equal("pw", Parse("host=/var/run/postgresql user=u dbname=db").Password);
        Assert.Null(Parse("host=/run/x user=u dbname=db").Password);
    }

    [Fact]
    public async Task A_password_file_that_others_may_read_is_ignored_with_a_note()
    {
        await WriteAsync(".pgpass", "*:*:*:*:pw", isPrivate: false);

        var settings = Parse("postgres://u@h/db");

        Assert.Null(settings.Password);
        Assert.Contains("chmod 0600", Assert.Single(settings.Notes));
    }

    [Theory]
    [InlineData("host=h port=0")]
    [InlineData("host=h port=65536")]
    [InlineData("host=h port=x")]
    [InlineData("host=h port=5432x")]
    [InlineData("host=a,b,c port=1,2")]
    [InlineData("host=a,b hostaddr=10.0.0.1")]
    [InlineData("hostaddr=not-an-address")]
    [InlineData("host=h sslmode=on")]
    [InlineData("host=h sslmode=Require")]
    [InlineData("host=h connect_timeout=soon")]
    [InlineData("host=h channel_binding=yes")]
    [InlineData("host=h target_session_attrs=master")]
    [InlineData("host=h load_balance_hosts=1")]
    [InlineData("host=h sslmode=prefer sslnegotiation=direct")]
    [InlineData("host=h sslmode=require sslrootcert=system")]
    [InlineData("host=h ssl_min_protocol_version=TLSv9")]
    [InlineData("host=h ssl_min_protocol_version=TLSv1.3 ssl_max_protocol_version=TLSv1.2")]
    [InlineData("host=h require_auth=md5,!password")]
    [InlineData("host=h require_auth=md5,md5")]
    [InlineData("hostaddr=10.0.0.1 sslmode=verify-full")]
    public void Wrong_values_are_refused(string connectionString) =>
        Assert.Equal("ConnectionStringInvalid", Assert.Throws<MigrationException>(() => Parse(connectionString)).ErrorId);

    [Theory]
    [InlineData("host=h sslcrl=/x", "sslcrl")]
    [InlineData("host=/run/x requirepeer=postgres", "requirepeer")]
    [InlineData("host=h oauth_issuer=https://x oauth_client_id=y", "oauth_issuer")]
    [InlineData("host=h min_protocol_version=3.2", "min_protocol_version")]
    [InlineData("host=/run/x,h sslmode=require", "host")]
    public void What_cannot_be_honoured_is_refused(string connectionString, string keyword)
    {
        var error = Assert.Throws<MigrationException>(() => Parse(connectionString));

        Assert.Equal(("ConnectionSettingUnsupported", keyword), (error.ErrorId, error.Subject));
    }

    [Fact]
    public void What_is_ignored_without_harm_is_noted() =>
        Assert.Equal(2, Parse("host=h tcp_user_timeout=5 sslcompression=1").Notes.Count);

    [Fact]
    public void A_named_root_certificate_must_exist_where_it_is_needed()
    {
        Assert.Equal("ConnectionFileInvalid", Assert.Throws<MigrationException>(() => Parse("host=h sslmode=verify-ca sslrootcert=/no/such.crt")).ErrorId);
        Assert.Contains("not checked", Assert.Single(Parse("host=h sslmode=require sslrootcert=/no/such.crt").Notes));
    }
}
