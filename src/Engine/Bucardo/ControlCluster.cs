using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using HerokuMigrator.Connections;
using HerokuMigrator.Processes;
using HerokuMigrator.State;
using Npgsql;

namespace HerokuMigrator.Bucardo;

/// <summary>
/// The private PostgreSQL that Bucardo keeps its configuration in: reached by a unix socket in a closed folder only,
/// run by an unprivileged user when this program is root (PostgreSQL refuses root).
/// </summary>
internal sealed class ControlCluster : IAsyncDisposable
{
    private const string Superuser = "bucardo";
    private const string DatabaseName = "bucardo";
    private const string Port = "5432";

    /// <summary>The kernel's limit for a socket's path, less the name of the socket itself.</summary>
    private const int LongestSocketFolder = 107 - 16;

    private const int StartAttempts = 2;

    private static readonly TimeSpan OrphanPatience = TimeSpan.FromSeconds(60);

    private readonly MigrationHome _home;
    private readonly ICommandRunner _runner;
    private readonly IOperationEvents _events;

    /// <summary>A start makes the cluster ready beside its copy; whoever needs it then waits for that.</summary>
    private readonly SemaphoreSlim _starting = new(1);
    private NpgsqlDataSource? _dataSource;

    public ControlCluster(MigrationHome home, ICommandRunner runner, IOperationEvents events)
    {
        _home = home;
        _runner = runner;
        _events = events;
    }

    public string SocketFolder
    {
        get
        {
            var inside = Path.Combine(_home.BucardoFolder, "socket");
            return Encoding.UTF8.GetByteCount(inside) <= LongestSocketFolder
                ? inside
                : Path.Combine(Path.GetTempPath(), "heroku-migrator-" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(_home.Folder)))[..16]);
        }
    }

    public string LogFolder => Path.Combine(_home.BucardoFolder, "log");

    private string DataFolder => Path.Combine(_home.BucardoFolder, "control");

    private string LogFile => Path.Combine(LogFolder, "control.log");

    public NpgsqlDataSource DataSource => _dataSource ??= new NpgsqlDataSourceBuilder(new NpgsqlConnectionStringBuilder
    {
        Host = SocketFolder,
        Port = int.Parse(Port, CultureInfo.InvariantCulture),
        Username = Superuser,
        Database = DatabaseName,
        MaxPoolSize = 4,
        CommandTimeout = 0,
        // Nothing may hold the cluster back when it is stopped.
        Pooling = false,
    }.ConnectionString).Build();

    /// <summary>True where the cluster answers.</summary>
    public async Task<bool> IsRunningAsync(CancellationToken cancellationToken)
    {
        if (!File.Exists(Path.Combine(DataFolder, "postmaster.pid")))
        {
            return false;
        }

        try
        {
            await using var connection = await DataSource.OpenConnectionAsync(cancellationToken);
            return true;
        }
        catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.InvalidCatalogName)
        {
            // It answers: whoever started it was killed before it had its database.
            return true;
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }

    /// <summary>Makes the cluster if need be, and starts it; repeatable at any point of a run that was killed.</summary>
    public async Task EnsureRunningAsync(CancellationToken cancellationToken)
    {
        await _starting.WaitAsync(cancellationToken);
        try
        {
            await MakeRunningAsync(cancellationToken);
        }
        finally
        {
            _starting.Release();
        }
    }

    private async Task MakeRunningAsync(CancellationToken cancellationToken)
    {
        await PrepareFoldersAsync(cancellationToken);
        await WaitForOrphansAsync(() => IsStartingAsync(cancellationToken), cancellationToken);
        if (!await IsRunningAsync(cancellationToken))
        {
            await InitializeAsync(cancellationToken);
            await StartAsync(cancellationToken);
        }

        await WaitForOrphansAsync(() => IsLoadingAsync(cancellationToken), cancellationToken);
        if (!await HasSchemaAsync(cancellationToken))
        {
            await LoadSchemaAsync(cancellationToken);
        }
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_dataSource is not null)
        {
            await _dataSource.DisposeAsync();
            _dataSource = null;
        }

        if (!File.Exists(Path.Combine(DataFolder, "postmaster.pid")))
        {
            return;
        }

        await _runner.RunAsync(Server(Programs.PgCtl).WithArguments("stop", "-D", DataFolder, "-m", "fast", "-w", "-t", "30"), cancellationToken);
    }

    /// <summary>Removes the socket's folder where it had to be made elsewhere; the rest goes with the home.</summary>
    public void RemoveOutside()
    {
        if (!SocketFolder.StartsWith(_home.BucardoFolder, StringComparison.Ordinal) && Directory.Exists(SocketFolder))
        {
            Directory.Delete(SocketFolder, recursive: true);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _starting.Dispose();
        if (_dataSource is not null)
        {
            await _dataSource.DisposeAsync();
        }
    }

    /// <summary>Folders that the user who runs Bucardo owns alone.</summary>
    private async Task PrepareFoldersAsync(CancellationToken cancellationToken)
    {
        _home.Create();
        foreach (var folder in new[] { _home.BucardoFolder, LogFolder, Path.Combine(_home.BucardoFolder, "pid"), SocketFolder })
        {
            if (!Directory.Exists(folder))
            {
                Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            }

            if (MigrationHome.RunAs is { } user)
            {
                await _runner.RunCheckedAsync(new ExternalCommand("chown").WithArguments(user + ":", folder), cancellationToken);
            }
        }

        if (MigrationHome.RunAs is { } service)
        {
            var reachable = await _runner.RunAsync(new ExternalCommand("test").WithArguments("-w", _home.BucardoFolder).WithRunAs(service), cancellationToken);
            if (reachable.ExitCode != 0)
            {
                throw Errors.HomeUnusable(_home.BucardoFolder, $"user {service} cannot reach it");
            }
        }
    }

    private async Task InitializeAsync(CancellationToken cancellationToken)
    {
        if (Directory.Exists(DataFolder))
        {
            return;
        }

        // It gets its name once it is complete. The initdb of a program that was killed may be at work still, so each has a folder of its own.
        var draft = $"{DataFolder}-draft-{RandomNumberGenerator.GetHexString(8, lowercase: true)}";
        _events.Verbose("Making Bucardo's private control cluster.");
        await _runner.RunCheckedAsync(
            Server(Programs.InitDb).WithArguments("-D", draft, "-U", Superuser, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"), cancellationToken);
        Directory.Move(draft, DataFolder);
        RemoveDrafts();
    }

    private void RemoveDrafts()
    {
        foreach (var draft in Directory.GetDirectories(_home.BucardoFolder, Path.GetFileName(DataFolder) + "-draft-*"))
        {
            try
            {
                Directory.Delete(draft, recursive: true);
            }
            catch (IOException exception)
            {
                // An initdb that lives on puts files there; it goes with the home at the end.
                _events.Verbose($"{draft} is left for later: {exception.Message}");
            }
        }
    }

    /// <summary>The start of a program that was killed goes on by itself: what it began is waited for, not begun a second time.</summary>
    private async Task WaitForOrphansAsync(Func<Task<bool>> isUnderWay, CancellationToken cancellationToken)
    {
        var until = DateTimeOffset.UtcNow + OrphanPatience;
        while (DateTimeOffset.UtcNow < until && await isUnderWay())
        {
            await Task.Delay(100, cancellationToken);
        }
    }

    /// <summary>The server's process lives, and does not answer yet.</summary>
    private async Task<bool> IsStartingAsync(CancellationToken cancellationToken)
    {
        try
        {
            return File.ReadLines(Path.Combine(DataFolder, "postmaster.pid")).FirstOrDefault() is { } pid
                && Directory.Exists("/proc/" + pid) && !await IsRunningAsync(cancellationToken);
        }
        catch (IOException)
        {
            return false;
        }
    }

    private async Task<bool> IsLoadingAsync(CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(DataSource.ConnectionString) { Database = "postgres" }.ConnectionString);
        await connection.OpenAsync(cancellationToken);
        return await connection.ScalarAsync<bool>("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'psql')", cancellationToken);
    }

    private async Task StartAsync(CancellationToken cancellationToken)
    {
        // Bucardo commits its status once a table in each run; what a crash of this machine could take of that is made anew anyway.
        var options = $"-k '{SocketFolder.Replace("'", "'\\''", StringComparison.Ordinal)}' -p {Port} -c listen_addresses='' -c max_connections=50 -c shared_buffers=32MB -c logging_collector=off -c synchronous_commit=off";
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await _runner.RunCheckedAsync(
                    Server(Programs.PgCtl)
                        .WithArguments("start", "-D", DataFolder, "-l", LogFile, "-w", "-t", "60", "-o", options),
                    cancellationToken);
                return;
            }
            catch (MigrationException exception) when (exception.ErrorId == "CommandFailed")
            {
                // The pg_ctl of a program that was killed may have begun at the same moment: then that one's server is it.
                await WaitForOrphansAsync(() => IsStartingAsync(cancellationToken), cancellationToken);
                if (await IsRunningAsync(cancellationToken))
                {
                    return;
                }

                if (attempt == StartAttempts)
                {
                    throw Errors.ControlClusterFailed(exception.Message + " See " + LogFile + ".", exception);
                }
            }
        }
    }

    private async Task<bool> HasSchemaAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = await DataSource.OpenConnectionAsync(cancellationToken);
            return await connection.ScalarAsync<bool>("SELECT to_regclass('bucardo.bucardo_log_message') IS NOT NULL", cancellationToken);
        }
        catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.InvalidCatalogName)
        {
            return false;
        }
    }

    private async Task LoadSchemaAsync(CancellationToken cancellationToken)
    {
        const string schema = "/usr/share/bucardo/bucardo.schema";
        if (!File.Exists(schema))
        {
            throw Errors.ControlClusterFailed($"{schema} is missing; install the package bucardo (apt-get install bucardo)");
        }

        await _runner.RunCheckedAsync(
            Client(Programs.Psql).WithArguments("-X", "-q", "-h", SocketFolder, "-p", Port, "-U", Superuser, "-d", "postgres", "-f", schema),
            cancellationToken);
        if (!await HasSchemaAsync(cancellationToken))
        {
            throw Errors.ControlClusterFailed("Bucardo's schema could not be loaded; is postgresql-plperl installed?");
        }
    }

    private ExternalCommand Server(string program) =>
        Client(program).WithRunAs(MigrationHome.RunAs).WithWorkingDirectory("/");

    /// <summary>The caller's own PG* variables are about other servers than this one.</summary>
    private ExternalCommand Client(string program) =>
        new ExternalCommand(Programs.Find(program)).WithEnvironment(ConnectionSettings.ServiceEnvironment(_home.BucardoFolder));
}
