using HerokuMigrator.Connections;
using HerokuMigrator.Processes;
using Npgsql;
using Xunit;

namespace HerokuMigrator.Unit.Connections;

/// <summary>The same database by psql and Perl's DBD::Pg, which Bucardo uses (both through the files that we write), and by Npgsql.</summary>
public sealed class ServiceFilesSpecs(TemporaryServer server) : IDisposable
{
    private const string Where = "SELECT current_user || '|' || current_database() || '|' || current_setting('work_mem') || '|' || current_setting('application_name')";

    private const string All = "SELECT concat_ws('|', current_user, current_database(), current_setting('work_mem'), current_setting('search_path'), current_setting('lock_timeout'))";

    private static readonly Dictionary<string, string> Settings = new() { ["work_mem"] = "12345kB", ["search_path"] = "\"a b\", \"c\\d\"" };

    private static readonly Lazy<Task<bool>> HasDbdPg = new(async () =>
        Programs.TryFind("perl") is { } perl
        && (await new ProcessRunner().RunAsync(new ExternalCommand(perl).WithArguments("-MDBD::Pg", "-e", "1"), CancellationToken.None)).ExitCode == 0);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("hm-services-");
    private readonly ProcessRunner _runner = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static ConnectionEnvironment Nothing => new() { UserName = "nobody" };

    public void Dispose() => _folder.Delete(recursive: true);

    public static TheoryData<string, string, string> Names => new()
    {
        { "plain_user", "plain", "plain_db" },
        { "Käse \"x\" 'y'", "p@ss:w/rd%',\"\\ é", "Käse \"x\" 'y'" },
        { "a:b\\c", "a:b\\c", "d:b\\e" },
        { "u=v", " leading and trailing ", "d=b?&x=y" },
        { "#user", "#:*'\"", "#db" },
        { "*", "*", "*x" },
        { "[user]", "日本語パスワード", "[db]" },
        { " u", "\\", " d" },
        { "u%40v", "%25$HOME`x`", "d%20b" },
    };

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Psql_and_Npgsql_reach_the_same_database_whatever_the_names(string user, string password, string database)
    {
        await server.StartAsync();
        await server.CreateAsync(user, password, database, Token);
        var url = $"postgres://{Uri.EscapeDataString(user)}:{Uri.EscapeDataString(password)}@localhost:{server.Port}/{Uri.EscapeDataString(database)}?sslmode=require&options=-c%20lock_timeout%3D77";
        var pairs = $"host=localhost port={server.Port} user={Quote(user)} password={Quote(password)} dbname={Quote(database)} sslmode=require options='-c lock_timeout=77'";

        var settings = ConnectionSettings.Parse(url, Nothing);
        var same = ConnectionSettings.Parse(pairs, Nothing);
        Assert.Equal(settings.Keywords.OrderBy(pair => pair.Key), same.Keywords.OrderBy(pair => pair.Key));
        Assert.Equal((password, password), (settings.Password, same.Password));
        await ConnectionSettings.WriteServiceFilesAsync(_folder.FullName, new Dictionary<string, ConnectionSettings> { ["db"] = settings }, Settings, Token);

        var expected = $"{user}|{database}|12345kB|\"a b\", \"c\\d\"|77ms";
        Assert.Equal(expected, await AskNpgsqlAsync(settings, "spec", All));
        Assert.Equal(expected, await AskPsqlAsync("db", All));
        if (await HasDbdPg.Value)
            Assert.Equal(expected, await AskDbdPgAsync("db", All));
    }

    [Fact]
    public async Task Sockets_work_too()
    {
        await server.StartAsync();
        await server.CreateAsync("socket_user", "so:ck'et", "socket_db", Token);
        var settings = ConnectionSettings.Parse($"postgresql://socket_user:so%3Ack%27et@/socket_db?host={server.SocketFolder}&port={server.Port}&sslmode=verify-full", Nothing);
        await ConnectionSettings.WriteServiceFilesAsync(_folder.FullName, new Dictionary<string, ConnectionSettings> { ["db"] = settings }, Settings, Token);

        Assert.Equal("socket_user|socket_db|12345kB|spec", await AskNpgsqlAsync(settings, "spec", Where));
        Assert.Equal("socket_user|socket_db|12345kB|psql", await AskPsqlAsync("db", Where));
    }

    [Fact]
    public async Task Several_hosts_work_where_the_first_is_dead()
    {
        await server.StartAsync();
        await server.CreateAsync("hosts_user", "hosts", "hosts_db", Token);
        var settings = ConnectionSettings.Parse($"postgresql://hosts_user:hosts@127.0.0.1:1,localhost:{server.Port}/hosts_db?target_session_attrs=read-write", Nothing);
        await ConnectionSettings.WriteServiceFilesAsync(_folder.FullName, new Dictionary<string, ConnectionSettings> { ["db"] = settings }, Settings, Token);

        Assert.Equal("hosts_user|hosts_db|12345kB|spec", await AskNpgsqlAsync(settings, "spec", Where));
        Assert.Equal("hosts_user|hosts_db|12345kB|psql", await AskPsqlAsync("db", Where));
    }

    [Fact]
    public async Task Two_services_lie_side_by_side_and_only_their_owner_can_read_them()
    {
        await server.StartAsync();
        await server.CreateAsync("side_a", "one", "side_a", Token);
        await server.CreateAsync("side_b", "two", "side_b", Token);
        var services = new[] { ("a", "one"), ("b", "two") }.ToDictionary(
            pair => pair.Item1,
            pair => ConnectionSettings.Parse($"postgres://side_{pair.Item1}:{pair.Item2}@localhost:{server.Port}/", Nothing));

        for (var round = 0; round < 2; round++)
            await ConnectionSettings.WriteServiceFilesAsync(_folder.FullName, services, Settings, Token);

        Assert.Equal("side_a|side_a|12345kB|psql", await AskPsqlAsync("a", Where));
        Assert.Equal("side_b|side_b|12345kB|psql", await AskPsqlAsync("b", Where));
        Assert.Equal(["pg_service.conf", "pgpass"], _folder.EnumerateFiles().Select(file => file.Name).Order(StringComparer.Ordinal));
        Assert.DoesNotContain("two", await File.ReadAllTextAsync(Path.Combine(_folder.FullName, "pg_service.conf"), Token));
        if (!OperatingSystem.IsWindows())
            Assert.All(_folder.EnumerateFiles(), file => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, file.UnixFileMode));
    }

    [Fact]
    public async Task Another_user_gets_files_of_his_own_with_copies_of_the_certificates()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "needs to be root");
        await server.StartAsync();
        await server.EnsureRoleAsync("by_certificate", password: null, Token);
        var (certificate, key) = await server.ClientCertificateAsync(_folder, "by_certificate", keyPassword: null, Token);
        var root = Path.Combine(_folder.FullName, "root.crt");
        File.Copy(server.RootCertificate, root);
        var settings = ConnectionSettings.Parse($"postgres://by_certificate@localhost:{server.Port}/postgres?sslmode=verify-full&sslrootcert={root}&sslcert={certificate}&sslkey={key}", Nothing);
        var folder = Path.Combine(server.SocketFolder, "theirs");

        await ConnectionSettings.WriteServiceFilesAsync(folder, new Dictionary<string, ConnectionSettings> { ["db"] = settings }, Settings, "postgres", Token);

        Assert.Equal("by_certificate|postgres|12345kB|spec", await AskNpgsqlAsync(settings, "spec", Where));
        Assert.Equal("by_certificate|postgres|12345kB|psql", await AskPsqlAsync("db", Where, folder, "postgres"));
    }

    [Fact]
    public async Task The_environment_of_the_caller_changes_nothing()
    {
        await server.StartAsync();
        await server.CreateAsync("env_user", "env", "env_db", Token);
        var settings = ConnectionSettings.Parse($"postgres://env_user:env@localhost:{server.Port}/env_db", Nothing);
        await ConnectionSettings.WriteServiceFilesAsync(_folder.FullName, new Dictionary<string, ConnectionSettings> { ["db"] = settings }, Settings, Token);
        var command = Psql("db", Where, _folder.FullName);
        var hostile = new Dictionary<string, string?> { ["PGPASSWORD"] = "wrong", ["PGHOSTADDR"] = "127.0.0.3", ["PGOPTIONS"] = "-c work_mem=1MB", ["PGSSLCERT"] = "/no" };

        var result = await _runner.RunCheckedAsync(command.WithEnvironment(hostile).WithEnvironment(ConnectionSettings.ServiceEnvironment(_folder.FullName)), Token);

        Assert.Equal("env_user|env_db|12345kB|psql\n", result.StandardOutput);
    }

    [Theory]
    [InlineData("dbname='trailing '")]
    [InlineData("user='line\nbreak'")]
    [InlineData("password='line\nbreak'")]
    public async Task What_no_service_file_can_say_is_refused(string connectionString)
    {
        var settings = ConnectionSettings.Parse("host=h " + connectionString, Nothing);

        var error = await Assert.ThrowsAsync<MigrationException>(() =>
            ConnectionSettings.WriteServiceFilesAsync(_folder.FullName, new Dictionary<string, ConnectionSettings> { ["db"] = settings }, Settings, Token));

        Assert.Equal("ServiceEntryImpossible", error.ErrorId);
        Assert.Empty(_folder.EnumerateFiles());
    }

    [Fact]
    public async Task A_line_that_libpq_would_not_read_is_refused_and_the_longest_one_is_read()
    {
        await server.StartAsync();
        await server.CreateAsync("long_user", "long", "long_db", Token);
        var settings = ConnectionSettings.Parse($"postgres://long_user:long@localhost:{server.Port}/long_db", Nothing);
        var services = new Dictionary<string, ConnectionSettings> { ["db"] = settings };
        var longest = new string('x', 1021 - "options=-c x.y=".Length);

        await ConnectionSettings.WriteServiceFilesAsync(_folder.FullName, services, new Dictionary<string, string> { ["x.y"] = longest }, Token);
        Assert.Equal(longest, await AskPsqlAsync("db", "SHOW x.y"));

        var error = await Assert.ThrowsAsync<MigrationException>(() =>
            ConnectionSettings.WriteServiceFilesAsync(_folder.FullName, services, new Dictionary<string, string> { ["x.y"] = longest + "x" }, Token));
        Assert.Equal(("ServiceEntryImpossible", "options"), (error.ErrorId, error.Subject));
    }

    [Fact]
    public void What_an_older_libpq_does_not_know_is_left_out()
    {
        var settings = ConnectionSettings.Parse("host=h sslnegotiation=direct sslmode=require channel_binding=require", Nothing);

        Assert.DoesNotContain("sslnegotiation", settings.ToServiceEntry("/x").Keys);
        Assert.Equal("direct", settings.ToServiceEntry("/x", libpqVersion: 17)["sslnegotiation"]);
        Assert.Equal("require", settings.ToServiceEntry("/x")["channel_binding"]);
    }

    private async Task<string> AskDbdPgAsync(string service, string sql)
    {
        const string Script = "print DBI->connect(\"dbi:Pg:service=$ARGV[0]\", '', '', {RaiseError => 1, pg_enable_utf8 => 0})->selectrow_array($ARGV[1])";
        var command = new ExternalCommand(Programs.Find("perl")).WithArguments("-MDBI", "-e", Script, service, sql)
            .WithEnvironment(ConnectionSettings.ServiceEnvironment(_folder.FullName));
        return (await _runner.RunCheckedAsync(command, Token)).StandardOutput.TrimEnd('\n');
    }

    private static string Quote(string value) => "'" + value.Replace("\\", "\\\\").Replace("'", "\\'") + "'";

    private static async Task<string?> AskNpgsqlAsync(ConnectionSettings settings, string applicationName, string sql)
    {
        await using var source = settings.CreateDataSource(applicationName, Settings, builder => builder.Pooling = false);
        await using var connection = await ConnectionErrors.OpenAsync(source, "source", settings.Address, Token);
        await using var command = new NpgsqlCommand(sql, connection);
        return (string?)await command.ExecuteScalarAsync(Token);
    }

    private static ExternalCommand Psql(string service, string sql, string folder) =>
        new ExternalCommand(Programs.Find(Programs.Psql))
            .WithArguments("-XAt", "-v", "ON_ERROR_STOP=1", "-c", sql, $"service={service}")
            .WithEnvironment(ConnectionSettings.ServiceEnvironment(folder));

    private async Task<string> AskPsqlAsync(string service, string sql, string? folder = null, string? user = null) =>
        (await _runner.RunCheckedAsync(Psql(service, sql, folder ?? _folder.FullName).WithRunAs(user), Token)).StandardOutput.TrimEnd('\n');
}
