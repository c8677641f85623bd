using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace HerokuMigrator.Lab;

/// <summary>A real PgBouncer before one database, in transaction mode: each transaction of a client is done by whichever of two server sessions is free. Everybody who comes is the database's owner.</summary>
public sealed class PgBouncer : IAsyncDisposable
{
    private const string Program = "/usr/sbin/pgbouncer";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly Process _process;
    private readonly string _folder;

    private PgBouncer(Process process, string folder, int port)
    {
        _process = process;
        _folder = folder;
        ConnectionString = new NpgsqlConnectionStringBuilder
        {
            Host = "127.0.0.1", Port = port, Database = "pooled", Username = "anybody", SslMode = SslMode.Disable, Pooling = false, NoResetOnClose = true,
        }.ConnectionString;
    }

    public static bool IsHere => File.Exists(Program);

    public string ConnectionString { get; }

    public static async Task<PgBouncer> StartAsync(LabDatabase database, CancellationToken cancellationToken)
    {
        var port = PostgresServer.FindFreePort();
        var folder = (await LabCommand.RunAsServerUserAsync("mktemp", ["-d", Path.Combine(Path.GetTempPath(), "hmlab-XXXXXXXX")], input: null, cancellationToken)).Trim();
        var settings = string.Create(
            CultureInfo.InvariantCulture,
            $"""
             [databases]
             pooled = host=127.0.0.1 port={database.Server.Port} dbname={Quote(database.Name)} user={Quote(database.Owner.Name)} password={Quote(database.Owner.Password)} pool_size=2
             [pgbouncer]
             listen_addr = 127.0.0.1
             listen_port = {port}
             unix_socket_dir =
             auth_type = any
             pool_mode = transaction
             server_tls_sslmode = require
             ignore_startup_parameters = extra_float_digits

             """);
        // Within a folder that nobody else may enter, as the password is in it.
        await LabCommand.RunAsServerUserAsync("sh", ["-c", "cat >\"$1/pgbouncer.ini\"", "sh", folder], settings, cancellationToken);
        var process = Process.Start(LabCommand.DescribeAsServerUser(Program, ["--quiet", Path.Combine(folder, "pgbouncer.ini")]))!;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        var pooler = new PgBouncer(process, folder, port);
        try
        {
            await pooler.WaitAsync(cancellationToken);
            return pooler;
        }
        catch
        {
            await pooler.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        await LabCommand.RunAsServerUserAsync("rm", ["-rf", _folder], input: null, CancellationToken.None);
    }

    private static string Quote(string text) => "'" + text.Replace("'", "''", StringComparison.Ordinal) + "'";

    private async Task WaitAsync(CancellationToken cancellationToken)
    {
        for (var watch = Stopwatch.StartNew(); ;)
        {
            try
            {
                await using var connection = new NpgsqlConnection(ConnectionString);
                await connection.OpenAsync(cancellationToken);
                return;
            }
            catch (NpgsqlException) when (watch.Elapsed < Patience && !_process.HasExited)
            {
                await Task.Delay(50, cancellationToken);
            }
        }
    }
}
