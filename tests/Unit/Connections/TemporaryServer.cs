using System.Net;
using System.Net.Sockets;
using HerokuMigrator.Processes;
using Npgsql;
using Xunit;

[assembly: AssemblyFixture(typeof(HerokuMigrator.Unit.Connections.TemporaryServer))]

namespace HerokuMigrator.Unit.Connections;

/// <summary>
/// A real server for those specs that ask for it, started with the first of them: TLS and passwords required on TCP,
/// the superuser trusted on the unix socket. Beside it a fork (a copy of its files) that has TLS switched off.
/// </summary>
public sealed class TemporaryServer : IAsyncDisposable
{
    public const string Superuser = "boss";

    private readonly ProcessRunner _runner = new();
    private readonly Lazy<Task> _started;
    private readonly string? _account = Environment.IsPrivilegedProcess ? "postgres" : null;
    private readonly TestCertificates _certificates = new();
    private string _folder = "";

    public TemporaryServer() => _started = new Lazy<Task>(StartCoreAsync);

    public int Port { get; private set; }

    public int ForkPort { get; private set; }

    /// <summary>Where the unix sockets of both lie.</summary>
    public string SocketFolder => _folder;

    public string RootCertificate => Path.Combine(_folder, "root.crt");

    public string StrangeRootCertificate => Path.Combine(_folder, "strange.crt");

    /// <summary>A client's certificate for the role of that name, its key in the clear or encrypted.</summary>
    public async Task<(string Certificate, string Key)> ClientCertificateAsync(DirectoryInfo folder, string user, string? keyPassword, CancellationToken cancellationToken)
    {
        var (certificate, key) = _certificates.Client(user, keyPassword);
        var (certificateFile, keyFile) = (Path.Combine(folder.FullName, "client.crt"), Path.Combine(folder.FullName, "client.key"));
        await File.WriteAllTextAsync(certificateFile, certificate, cancellationToken);
        await WritePrivateAsync(keyFile, key, cancellationToken);
        return (certificateFile, keyFile);
    }

    /// <summary>Skips the spec where no server can be had.</summary>
    public async Task StartAsync()
    {
        Assert.SkipWhen(Programs.TryFind(Programs.InitDb) is null, "needs a PostgreSQL server");
        Assert.SkipWhen(_account is not null && UserAccount.TryFind(_account) is null, "as root it needs the user postgres");
        await _started.Value;
    }

    /// <summary>Runs SQL as superuser.</summary>
    public Task ExecuteAsync(string sql, CancellationToken cancellationToken) => ExecuteAsync(Port, sql, cancellationToken);

    /// <summary>A role on both servers that several specs share.</summary>
    public async Task EnsureRoleAsync(string user, string? password, CancellationToken cancellationToken)
    {
        var create = $"CREATE ROLE {Name(user)} LOGIN" + (password is null ? "" : $" PASSWORD {Literal(password)}");
        var sql = $"DO $do$ BEGIN {create}; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $do$";
        foreach (var port in new[] { Port, ForkPort })
            await ExecuteAsync(port, sql, cancellationToken);
    }

    /// <summary>Makes a role that may log in, and a database that it owns.</summary>
    public async Task CreateAsync(string user, string password, string database, CancellationToken cancellationToken)
    {
        await ExecuteAsync($"CREATE ROLE {Name(user)} LOGIN PASSWORD {Literal(password)}", cancellationToken);
        await ExecuteAsync($"CREATE DATABASE {Name(database)} OWNER {Name(user)} TEMPLATE template0", cancellationToken);
    }

    public static string Name(string name) => '"' + name.Replace("\"", "\"\"") + '"';

    public async ValueTask DisposeAsync()
    {
        _certificates.Dispose();
        if (!_started.IsValueCreated)
            return;
        foreach (var data in new[] { "data", "fork" })
            await _runner.RunAsync(Command(Programs.PgCtl, "stop", "-D", Path.Combine(_folder, data), "-m", "immediate", "-s"), CancellationToken.None);
        Directory.Delete(_folder, recursive: true);
    }

    private async Task ExecuteAsync(int port, string sql, CancellationToken cancellationToken)
    {
        await using var source = NpgsqlDataSource.Create($"Host={SocketFolder};Port={port};Username={Superuser};Database=postgres;Pooling=false");
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static string Literal(string text) => "E'" + text.Replace("\\", "\\\\").Replace("'", "''") + "'";

    private async Task StartCoreAsync()
    {
        var token = CancellationToken.None;
        _folder = Directory.CreateTempSubdirectory("hm-server-").FullName;
        await File.WriteAllTextAsync(RootCertificate, _certificates.AuthorityPem, token);
        await File.WriteAllTextAsync(StrangeRootCertificate, TestCertificates.StrangeAuthorityPem(), token);
        await OwnAsync();

        var data = Path.Combine(_folder, "data");
        await RunAsync(Command(Programs.InitDb, "-D", data, "-U", Superuser, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"));
        var (certificate, key) = _certificates.Server();
        await File.WriteAllTextAsync(Path.Combine(data, "server.crt"), certificate, token);
        await WritePrivateAsync(Path.Combine(data, "server.key"), key, token);
        await File.WriteAllTextAsync(Path.Combine(data, "pg_hba.conf"), $"""
            local all {Superuser} trust
            local all all scram-sha-256
            hostssl all by_certificate all cert
            hostssl all all all scram-sha-256

            """, token);
        await File.AppendAllTextAsync(Path.Combine(data, "postgresql.conf"), $"""

            listen_addresses = 'localhost'
            unix_socket_directories = '{_folder}'
            fsync = off
            shared_buffers = 16MB
            ssl_ca_file = '{RootCertificate}'

            """, token);
        await OwnAsync();
        await RunAsync(new ExternalCommand("cp").WithArguments("-a", data, Path.Combine(_folder, "fork")));
        await File.WriteAllTextAsync(Path.Combine(_folder, "fork", "pg_hba.conf"), $"local all {Superuser} trust\nhost all all all scram-sha-256\n", token);
        Port = await StartServerAsync("data", "ssl=on");
        ForkPort = await StartServerAsync("fork", "ssl=off");
    }

    private async Task<int> StartServerAsync(string name, string setting)
    {
        var data = Path.Combine(_folder, name);
        var port = FreePort();
        await RunAsync(Command(Programs.PgCtl, "start", "-D", data, "-w", "-s", "-l", Path.Combine(data, "log"), "-o", $"-c port={port} -c {setting}"));
        return port;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private ExternalCommand Command(string program, params string[] arguments) =>
        new ExternalCommand(Programs.Find(program)).WithArguments(arguments).WithRunAs(_account).WithWorkingDirectory("/");

    private Task RunAsync(ExternalCommand command) => _runner.RunCheckedAsync(command, CancellationToken.None);

    private async Task OwnAsync()
    {
        if (_account is not null)
            await RunAsync(new ExternalCommand("chown").WithArguments("-R", _account, _folder));
    }

    private static async Task WritePrivateAsync(string path, string content, CancellationToken cancellationToken)
    {
        await File.WriteAllTextAsync(path, content, cancellationToken);
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }
}
