using System.Diagnostics;
using HerokuMigrator.Operations;
using Npgsql;

namespace HerokuMigrator.State;

/// <summary>
/// Keeps a second operator from acting at the same time: a session-level advisory lock on the target,
/// gone by itself with the connection when this program dies.
/// </summary>
internal sealed class OperatorLock : IAsyncDisposable
{
    /// <summary>Any constant will do, as long as it is always the same: "hmigrate" in ASCII.</summary>
    private const long Key = 0x686d6967_72617465;

    /// <summary>The worker holds the lock only while it restarts the daemon: an operator waits for that, and for the session of a program that was just killed.</summary>
    private static readonly TimeSpan PatienceWithWorker = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan PatienceWithOthers = TimeSpan.FromSeconds(2);

    private const string Program = "heroku-migrator";
    private const string WorkerName = Program + " worker ";

    /// <summary>One comparison at a time: two would load the source twice, and show no more. It keeps nobody else away.</summary>
    private const long ComparisonKey = 0x686d636f_6d706172;

    private readonly NpgsqlConnection _connection;
    private readonly long _key;

    private OperatorLock(NpgsqlConnection connection, long key) => (_connection, _key) = (connection, key);

    public static Task<OperatorLock> TakeAsync(MigrationSession session, CancellationToken cancellationToken) => TakeAsync(session, Key, Errors.Locked, cancellationToken);

    public static Task<OperatorLock> TakeForComparisonAsync(MigrationSession session, CancellationToken cancellationToken) =>
        TakeAsync(session, ComparisonKey, Errors.ComparisonRunning, cancellationToken);

    /// <summary>Somebody compares by hand.</summary>
    public static async Task<bool> IsComparisonHeldAsync(NpgsqlConnection target, CancellationToken cancellationToken) =>
        await target.ScalarAsync<bool>(
            """
            SELECT EXISTS (SELECT FROM pg_locks l WHERE l.locktype = 'advisory' AND l.objsubid = 1
                AND (l.classid::bigint << 32 | l.objid::bigint) = $1 AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()))
            """,
            cancellationToken, ComparisonKey);

    private static async Task<OperatorLock> TakeAsync(MigrationSession session, long key, Func<string, string, MigrationException> taken, CancellationToken cancellationToken)
    {
        var connection = await session.OpenTargetAsync(cancellationToken);
        try
        {
            var clock = Stopwatch.StartNew();
            while (!await connection.ScalarAsync<bool>("SELECT pg_try_advisory_lock($1)", cancellationToken, key))
            {
                var holder = await DescribeHolderAsync(connection, key, cancellationToken);
                if (clock.Elapsed > (holder.StartsWith(WorkerName, StringComparison.Ordinal) ? PatienceWithWorker : PatienceWithOthers))
                {
                    throw taken(session.Name, holder);
                }

                await Task.Delay(100, cancellationToken);
            }

            return new OperatorLock(connection, key);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>Who the session says it is: user, machine and process, for the one who is refused.</summary>
    public static string ApplicationName(string operation) => ApplicationName(operation, Environment.ProcessId);

    /// <summary>The same for another program of this user on this machine.</summary>
    public static string ApplicationName(string operation, int pid) =>
        $"{Program} {operation} {Environment.UserName}@{Environment.MachineName} pid {pid}";

    public async ValueTask DisposeAsync()
    {
        try
        {
            await _connection.ExecuteAsync("SELECT pg_advisory_unlock($1)", CancellationToken.None, _key);
        }
        catch (NpgsqlException)
        {
            // The lock ends with the session, which is broken already.
        }

        await _connection.DisposeAsync();
    }

    private static async Task<string> DescribeHolderAsync(NpgsqlConnection connection, long key, CancellationToken cancellationToken)
    {
        var holders = await connection.ListAsync(
            """
            SELECT coalesce(nullif(a.application_name, ''), 'an unnamed session') || coalesce(', since ' || to_char(a.backend_start, 'YYYY-MM-DD HH24:MI:SS TZ'), '')
            FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
            WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
              AND (l.classid::bigint << 32 | l.objid::bigint) = $1 AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
            """,
            row => row.GetString(0),
            cancellationToken,
            key);
        return holders.Count == 0 ? "somebody who has just ended" : holders[0];
    }
}
