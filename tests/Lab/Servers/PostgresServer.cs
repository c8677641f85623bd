using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Npgsql;

namespace HerokuMigrator.Lab;

/// <summary>
/// A real PostgreSQL in a fresh temporary folder, on a free loopback port and a unix socket. It ends with this object,
/// and with this process however that ends: a guard process waits for the end of a pipe that only this process holds open.
/// </summary>
public sealed class PostgresServer : IAsyncDisposable
{
    public const string Superuser = "postgres";

    private const string GuardScript = """
        bin=$1 folder=$2
        "$bin/postgres" -D "$folder/data" >>"$folder/server.log" 2>&1 </dev/null &
        read -r _
        pid=$(head -n 1 "$folder/data/postmaster.pid" 2>/dev/null || echo "$!")
        kill -QUIT "$pid" 2>/dev/null
        tries=0
        while kill -0 "$pid" 2>/dev/null; do
            tries=$((tries + 1))
            [ "$tries" -gt 100 ] && kill -KILL "$pid" 2>/dev/null
            sleep 0.05
        done
        rm -rf "$folder"
        """;

    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(60);

    private readonly PostgresServerOptions _options;
    private Process? _guard;

    private PostgresServer(PostgresServerOptions options, string folder)
    {
        _options = options;
        Folder = folder;
    }

    public int Port { get; private set; }

    public string Folder { get; }

    public string DataFolder => Path.Combine(Folder, "data");

    /// <summary>The folder of the unix socket; only the server's user and root may enter it.</summary>
    public string SocketFolder => Path.Combine(Folder, "socket");

    public string LogFile => Path.Combine(Folder, "server.log");

    /// <summary>The certificate of the authority that signed the server's certificate, for <c>sslrootcert</c>.</summary>
    public string AuthorityFile => Path.Combine(Folder, "authority.crt");

    public bool Tls => _options.Tls;

    private string BinFolder => _options.BinFolder ?? LabMachine.BinFolder;

    public static Task<PostgresServer> StartAsync(CancellationToken cancellationToken) =>
        StartAsync(new PostgresServerOptions(), cancellationToken);

    public static async Task<PostgresServer> StartAsync(PostgresServerOptions options, CancellationToken cancellationToken)
    {
        var server = await PrepareFolderAsync(options, cancellationToken);
        try
        {
            await ClusterTemplate.CopyToAsync(server.BinFolder, server.DataFolder, cancellationToken);
            await server.WriteFilesAsync(cancellationToken);
            await server.LaunchAsync(cancellationToken);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>A hot standby of this server, streaming from it: what a Heroku follower is.</summary>
    public async Task<PostgresServer> CreateFollowerAsync(CancellationToken cancellationToken)
    {
        var follower = await PrepareFolderAsync(_options, cancellationToken);
        try
        {
            await LabCommand.RunAsServerUserAsync(
                LabMachine.Tool("pg_basebackup"),
                ["-D", follower.DataFolder, "-R", "-c", "fast", "-h", SocketFolder, "-p", Port.ToString(CultureInfo.InvariantCulture), "-U", Superuser],
                input: null,
                cancellationToken);
            await follower.WriteFilesAsync(cancellationToken);
            await follower.LaunchAsync(cancellationToken);
            return follower;
        }
        catch
        {
            await follower.DisposeAsync();
            throw;
        }
    }

    /// <summary>The lab's own way in, as superuser over the unix socket; for Npgsql.</summary>
    public string AdminConnectionString(string database = "postgres") =>
        new NpgsqlConnectionStringBuilder
        {
            Host = SocketFolder,
            Port = Port,
            Username = Superuser,
            Database = database,
            Pooling = false,
            CommandTimeout = 300,
            ApplicationName = "lab",
        }.ConnectionString;

    /// <summary>The same for psql, pg_dump and their kin.</summary>
    public IReadOnlyList<string> AdminArguments(string database) =>
        ["-h", SocketFolder, "-p", Port.ToString(CultureInfo.InvariantCulture), "-U", Superuser, "-d", database];

    public async Task ExecuteAsync(string database, string sql, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(AdminConnectionString(database));
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>An outage: every session breaks at once, and the server is back on the same port when this returns.</summary>
    public Task RestartAsync(CancellationToken cancellationToken) =>
        LabCommand.RunAsServerUserAsync(
            "sh",
            ["-c", "exec \"$1/pg_ctl\" restart -w -m immediate -D \"$2/data\" -l \"$2/server.log\" >/dev/null 2>&1", "sh", BinFolder, Folder],
            input: null,
            cancellationToken);

    /// <summary>Stops the server at once and removes its folder.</summary>
    public async Task StopAsync()
    {
        var guard = Interlocked.Exchange(ref _guard, null);
        if (guard is not null)
        {
            using (guard)
            {
                await EndGuardAsync(guard);
            }
        }

        if (Directory.Exists(Folder))
        {
            await LabCommand.RunAsServerUserAsync("rm", ["-rf", Folder], input: null, CancellationToken.None);
        }
    }

    public async ValueTask DisposeAsync() => await StopAsync();

    private static async Task EndGuardAsync(Process guard)
    {
        // The end of its input is the guard's signal to stop the server.
        guard.StandardInput.Close();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        try
        {
            await guard.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            guard.Kill(entireProcessTree: true);
        }
    }

    private static async Task<PostgresServer> PrepareFolderAsync(PostgresServerOptions options, CancellationToken cancellationToken)
    {
        // Short, as the path of a unix socket may not exceed 107 bytes.
        var output = await LabCommand.RunAsServerUserAsync(
            "sh",
            ["-c", "folder=$(mktemp -d \"$1/hmlab-XXXXXXXX\") && chmod 755 \"$folder\" && mkdir -m 700 \"$folder/socket\" && echo \"$folder\"", "sh", Path.GetTempPath().TrimEnd('/')],
            input: null,
            cancellationToken);
        return new PostgresServer(options, output.Trim());
    }

    private async Task WriteFilesAsync(CancellationToken cancellationToken)
    {
        var settings = new Dictionary<string, string>
        {
            ["listen_addresses"] = "'127.0.0.1'",
            ["unix_socket_directories"] = $"'{SocketFolder}'",
            ["max_connections"] = "200",
            ["max_prepared_transactions"] = "10",
            ["shared_buffers"] = "'48MB'",
            ["fsync"] = "off",
            ["full_page_writes"] = "off",
            ["ssl"] = Tls ? "on" : "off",
            ["log_line_prefix"] = "'%m [%p] %q%u@%d %a '",
        };
        foreach (var (name, value) in _options.Settings)
        {
            settings[name] = value;
        }

        await WriteFileAsync("data/lab.conf", string.Concat(settings.Select(pair => $"{pair.Key} = {pair.Value}\n")), cancellationToken);
        await WriteFileAsync("data/postgresql.conf", "include 'lab.conf'\ninclude_if_exists 'port.conf'\n", cancellationToken);
        await WriteFileAsync("data/pg_hba.conf", HostBasedAuthentication(), cancellationToken);
        if (Tls)
        {
            await WriteFileAsync("data/server.crt", LabCertificates.Current.ServerCertificate, cancellationToken);
            await WriteFileAsync("data/server.key", LabCertificates.Current.ServerKey, cancellationToken);
            await WriteFileAsync("authority.crt", LabCertificates.Current.Authority, cancellationToken, mode: "644");
        }
    }

    private string HostBasedAuthentication()
    {
        var lines = new StringBuilder()
            .AppendLine($"local all {Superuser} trust")
            .AppendLine($"local replication {Superuser} trust");
        _ = Tls
            ? lines.AppendLine("hostssl all all 127.0.0.1/32 scram-sha-256").AppendLine("hostnossl all all all reject")
            : lines.AppendLine("host all all 127.0.0.1/32 scram-sha-256");
        return lines.ToString();
    }

    internal Task WriteFileAsync(string path, string content, CancellationToken cancellationToken, string mode = "600") =>
        LabCommand.RunAsServerUserAsync("sh", ["-c", "umask 077; cat >\"$1\" && chmod \"$2\" \"$1\"", "sh", Path.Combine(Folder, path), mode], content, cancellationToken);

    private async Task LaunchAsync(CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            Port = FindFreePort();
            await WriteFileAsync("data/port.conf", $"port = {Port}\n", cancellationToken);
            var start = LabCommand.DescribeAsServerUser("setsid", ["sh", "-c", GuardScript, "sh", BinFolder, Folder]);
            start.RedirectStandardOutput = false;
            start.RedirectStandardError = false;
            var logged = File.Exists(LogFile) ? new FileInfo(LogFile).Length : 0;
            _guard = Process.Start(start) ?? throw new LabException("The server's guard did not start.");
            if (await WaitUntilReadyAsync(logged, cancellationToken))
            {
                return;
            }

            var log = await LabCommand.RunAsServerUserAsync("tail", ["-n", "20", LogFile], input: null, cancellationToken);
            // Somebody else may have taken the port since it was found free; nothing else is worth a second try.
            if (attempt == 5 || !log.Contains("Address already in use", StringComparison.Ordinal))
            {
                throw new LabException($"PostgreSQL did not start in {Folder}:\n{log}");
            }

            // The guard removes the folder at its end, so it has to go without a word.
            using var guard = _guard;
            guard.Kill(entireProcessTree: true);
            await guard.WaitForExitAsync(cancellationToken);
            _guard = null;
        }
    }

    private async Task<bool> WaitUntilReadyAsync(long logged, CancellationToken cancellationToken)
    {
        var watch = Stopwatch.StartNew();
        while (watch.Elapsed < StartTimeout)
        {
            if (await IsReadyAsync(cancellationToken))
            {
                return true;
            }

            if (!File.Exists(Path.Combine(DataFolder, "postmaster.pid")) && await HasGivenUpAsync(logged, cancellationToken))
            {
                return false;
            }

            await Task.Delay(30, cancellationToken);
        }

        return false;
    }

    /// <summary>By its last word: on a busy machine a server may take seconds until it has a process file, and one that was given up too soon keeps the folder from the next.</summary>
    private async Task<bool> HasGivenUpAsync(long logged, CancellationToken cancellationToken)
    {
        if (!File.Exists(LogFile))
        {
            return false;
        }

        await using var log = new FileStream(LogFile, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        log.Position = logged;
        using var reader = new StreamReader(log);
        return (await reader.ReadToEndAsync(cancellationToken)).Contains("FATAL: ", StringComparison.Ordinal);
    }

    private async Task<bool> IsReadyAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = new NpgsqlConnection(AdminConnectionString());
            await connection.OpenAsync(cancellationToken);
            return true;
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }

    internal static int FindFreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
