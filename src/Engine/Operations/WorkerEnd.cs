using System.Diagnostics;
using System.Globalization;
using System.Text;
using HerokuMigrator.Processes;
using HerokuMigrator.State;
using Npgsql;

namespace HerokuMigrator.Operations;

/// <summary>Ends one worker of this machine for good: the process, the programs that it runs, its sessions on both servers.</summary>
internal static class WorkerEnd
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan SessionsGrace = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan SessionsLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(50);

    /// <summary>What a server keeps of an application's name.</summary>
    private const int NameBytes = 63;

    public static async Task RunAsync(MigrationSession session, int pid, CancellationToken cancellationToken)
    {
        if (ProcessTree.Read(pid) is not { } worker)
        {
            return;
        }

        await session.Runner.RunAsync(new ExternalCommand("kill").WithArguments("-TERM", pid.ToString(CultureInfo.InvariantCulture)), cancellationToken);
        if (!await IsGoneAsync(worker, Grace, cancellationToken))
        {
            // Its programs first asked for: once it is dead they are nobody's.
            var members = ProcessTree.Below(pid).Prepend(worker).ToList();
            session.Events.Verbose($"The worker (process {pid}) does not end; it is killed.");
            await ProcessTree.KillAsync(members);
        }

        string[] names = [OperatorLock.ApplicationName("starting", pid), OperatorLock.ApplicationName("worker", pid)];
        await EndSessionsAsync(session.OpenTargetAsync, names, cancellationToken);
        await EndSessionsAsync(session.OpenSourceAsync, names, cancellationToken);
    }

    private static async Task<bool> IsGoneAsync(ProcessMember process, TimeSpan patience, CancellationToken cancellationToken)
    {
        for (var clock = Stopwatch.StartNew(); process.IsRunning; await Task.Delay(Look, cancellationToken))
        {
            if (clock.Elapsed > patience)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>A server may notice late that a client is gone: in the middle of a statement, or over a network that swallows the news.</summary>
    private static async Task EndSessionsAsync(Func<CancellationToken, Task<NpgsqlConnection>> open, string[] names, CancellationToken cancellationToken)
    {
        if (names.Any(name => Encoding.UTF8.GetByteCount(name) > NameBytes))
        {
            // Cut by the server, it may be another one's name as well.
            return;
        }

        try
        {
            await using var connection = await open(cancellationToken);
            var clock = Stopwatch.StartNew();
            while (clock.Elapsed < SessionsLimit)
            {
                var end = clock.Elapsed > SessionsGrace ? "pg_terminate_backend(pid)" : "true";
                var left = await connection.ListAsync(
                    $"SELECT {end} FROM pg_stat_activity WHERE datname = current_database() AND application_name = ANY ($1)", _ => true, cancellationToken, (object)names);
                if (left.Count == 0)
                {
                    return;
                }

                await Task.Delay(Look, cancellationToken);
            }
        }
        catch (Exception exception) when (exception is NpgsqlException or MigrationException)
        {
            // A side out of reach has no session of ours that anybody could end.
        }
    }
}
