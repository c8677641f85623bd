using System.Diagnostics;
using HerokuMigrator.Lab;
using HerokuMigrator.Operations;
using Npgsql;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>kill -9 of the host program and of the Bucardo daemon, once in every phase: run again, and the end is the same.</summary>
public sealed class KillSpecs(LabPair lab)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_host_program_killed_in_every_phase_ends_where_an_undisturbed_one_does()
    {
        LongSpecs.SkipUnlessWanted();
        await using var move = await lab.NewMoveAsync(Token);
        await ShopSchema.CreateAsync(move.Source, 0.3, Token);
        var before = await SourceFootprint.CaptureAsync(move.Source, Token);
        await using var writers = Workload.StartShop(move.Source, new WorkloadOptions { TransactionsPerSecond = 100, TruncateReferenced = true });
        var killed = new List<string>();

        foreach (var phase in new[] { nameof(MigrationPhase.Preparing), nameof(MigrationPhase.Copying), nameof(MigrationPhase.CatchingUp) })
        {
            await KillInPhaseAsync(move, phase, killed, "start");
        }

        await RunAsync(move, "start");
        await KillInPhaseAsync(move, nameof(MigrationPhase.Replicating), killed, "switch", "--force");
        await KillInPhaseAsync(move, nameof(MigrationPhase.Switching), killed, "switch", "--force");
        await RunAsync(move, "switch", "--force");
        Assert.Equal(nameof(MigrationPhase.Switched), await move.PhaseAsync(Token));
        await KillInPhaseAsync(move, nameof(MigrationPhase.Switched), killed, "undo", "--force");
        if (await move.PhaseAsync(Token) is nameof(MigrationPhase.Switched))
        {
            await RunAsync(move, "undo", "--force");
        }

        await RunAsync(move, "start");
        var committed = writers.Committed;
        await writers.WaitForCommitsAsync(50, Patience, Token);
        Assert.True(writers.Committed > committed);
        await RunAsync(move, "switch", "--force");
        await EndAsync(move, writers, before, killed);
    }

    [Fact]
    public async Task A_control_cluster_whose_program_was_killed_before_it_had_its_database_gets_that_from_the_next()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await using var session = await MigrationSession.OpenAsync(move.Options, "spec", move.Events, Token);
        await session.Cluster.EnsureRunningAsync(Token);
        var owner = new NpgsqlConnectionStringBuilder(session.Cluster.DataSource.ConnectionString) { Database = "postgres", Pooling = false };
        await using (var connection = new NpgsqlConnection(owner.ConnectionString))
        {
            await connection.OpenAsync(Token);
            await connection.ExecuteAsync("DROP DATABASE bucardo", Token);
        }

        Assert.True(await session.Cluster.IsRunningAsync(Token));
        await session.Cluster.EnsureRunningAsync(Token);

        await using (var connection = await session.Cluster.DataSource.OpenConnectionAsync(Token))
        {
            Assert.True(await connection.ScalarAsync<bool>("SELECT EXISTS (SELECT FROM bucardo.bucardo_config)", Token));
        }

        await session.Cluster.StopAsync(Token);
    }

    [Fact]
    public async Task A_daemon_killed_in_every_phase_is_made_up_for()
    {
        LongSpecs.SkipUnlessWanted();
        await using var move = await lab.NewMoveAsync(Token);
        await ShopSchema.CreateAsync(move.Source, 0.3, Token);
        var before = await SourceFootprint.CaptureAsync(move.Source, Token);
        await using var writers = Workload.StartShop(move.Source, new WorkloadOptions { TransactionsPerSecond = 100 });
        var killed = new List<string>();

        await using (var start = HostProgram.Start(move, "start"))
        {
            await KillDaemonInPhaseAsync(move, start, nameof(MigrationPhase.CatchingUp), killed);
            await start.WaitAsync(Token);
        }

        await RunAsync(move, "start");
        Assert.True(KillDaemon(move));
        killed.Add("daemon while Replicating");
        Assert.Contains(await StatusAsync(move), new[] { SyncHealth.Broken, SyncHealth.Healthy });
        await RunAsync(move, "start");
        await using (var first = HostProgram.Start(move, "switch", "--force"))
        {
            await KillDaemonInPhaseAsync(move, first, nameof(MigrationPhase.Switching), killed);
            await first.WaitAsync(Token);
        }

        await RunAsync(move, "switch", "--force");
        await EndAsync(move, writers, before, killed);
    }

    /// <summary>Complete is killed too, and run again; then all must be as after an undisturbed migration.</summary>
    private static async Task EndAsync(LabMove move, Workload writers, SourceFootprint before, List<string> killed)
    {
        await writers.StopAsync();
        var comparison = await DatabaseContents.CompareAsync(move.Source, move.Target, Token);
        Assert.True(comparison.AreEqual, $"killed: {string.Join(", ", killed)}; {comparison}");
        var ledger = await LedgerCheck.CompareAsync(writers.Ledger, move.Target.AdminConnectionString, Token);
        Assert.True(ledger.IsComplete, ledger.ToString());
        await KillInPhaseAsync(move, nameof(MigrationPhase.Completing), killed, "complete", "--force");
        await RunAsync(move, "complete", "--force");
        Assert.Null(await move.PhaseAsync(Token));
        Assert.Empty(before.DifferencesTo(await SourceFootprint.CaptureAsync(move.Source, Token)));
        Assert.Empty(RunningIn(move));
        TestContext.Current.TestOutputHelper?.WriteLine("Killed: " + string.Join(", ", killed));
    }

    /// <summary>Kills the program once the state tells the phase; a program that passed through quicker than it was seen counts as not killed.</summary>
    private static async Task KillInPhaseAsync(LabMove move, string phase, List<string> killed, params string[] arguments)
    {
        await using var program = HostProgram.Start(move, arguments);
        var clock = Stopwatch.StartNew();
        while (!program.HasExited && clock.Elapsed < Patience)
        {
            if (await move.PhaseAsync(Token) == phase)
            {
                // Some way into the phase, not at its very first statement.
                await Task.Delay(150, Token);
                // A worker does the start; what is killed here is the work, whoever does it.
                program.KillWithWorker(move);
                killed.Add($"{arguments[0]} in {phase}");
                break;
            }

            await Task.Delay(5, Token);
        }

        await program.WaitAsync(Token);
    }

    private static async Task KillDaemonInPhaseAsync(LabMove move, HostProgram program, string phase, List<string> killed)
    {
        while (!program.HasExited)
        {
            if (await move.PhaseAsync(Token) == phase && KillDaemon(move))
            {
                killed.Add("daemon while " + phase);
                return;
            }

            await Task.Delay(5, Token);
        }
    }

    private static async Task RunAsync(LabMove move, params string[] arguments)
    {
        await using var program = HostProgram.Start(move, arguments);
        var (exitCode, output, errors) = await program.WaitAsync(Token);
        Assert.True(exitCode == 0, $"{string.Join(' ', arguments)} exited with {exitCode}\n{output}\n{errors}");
    }

    private static async Task<SyncHealth> StatusAsync(LabMove move)
    {
        await using var migrator = move.NewMigrator();
        return (await migrator.GetStatusAsync(Token)).Health;
    }

    private static bool KillDaemon(LabMove move)
    {
        var folder = Path.Combine(move.Home, "bucardo", "pid");
        var pids = Directory.Exists(folder)
            ? Directory.GetFiles(folder, "*.pid").Select(ReadPid).Where(pid => pid.Length > 0).ToList()
            : [];
        if (pids.Count < 3)
        {
            return false;
        }

        using var kill = Process.Start("kill", ["-KILL", .. pids]);
        kill.WaitForExit();
        return kill.ExitCode == 0;
    }

    private static string ReadPid(string file)
    {
        try
        {
            return new string([.. File.ReadAllText(file).TakeWhile(char.IsAsciiDigit)]);
        }
        catch (FileNotFoundException)
        {
            return "";
        }
    }

    private static List<string> RunningIn(LabMove move) =>
    [
        .. Directory.GetDirectories("/proc").Where(folder => Path.GetFileName(folder).All(char.IsAsciiDigit)).Select(CommandLine)
            .Where(line => line.Contains(move.StateRoot, StringComparison.Ordinal)),
    ];

    private static string CommandLine(string folder)
    {
        try
        {
            return File.ReadAllText(Path.Combine(folder, "cmdline")).Replace('\0', ' ');
        }
        catch (IOException)
        {
            return "";
        }
    }
}
