using System.Diagnostics;
using HerokuMigrator.Lab;
using HerokuMigrator.Operations;
using HerokuMigrator.Status;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>A start that a worker does: the program that was called only watches, and may go.</summary>
public sealed class DetachedWorkerSpecs(LabPair lab)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("-KILL")]
    [InlineData("-HUP")]
    public async Task A_copy_goes_on_without_the_program_that_began_it_and_another_start_watches_it(string signal)
    {
        await using var move = await BeginAsync();
        await using var first = HostProgram.Start(move, "start");
        string worker;
        await using (await CopyHold.TakeAsync(move, Token))
        {
            worker = WorkerOf(move);
            first.Signal(signal);
            Assert.NotEqual(0, (await first.WaitAsync(Token)).ExitCode);
            Assert.Equal(worker, WorkerOf(move));
            Assert.Equal(nameof(MigrationPhase.Copying), await move.PhaseAsync(Token));
        }

        await using var second = HostProgram.Start(move, "start");
        var (exitCode, output, errors) = await second.WaitAsync(Token);
        Assert.True(exitCode == 0, errors);
        Assert.Contains(nameof(MigrationPhase.Replicating), output, StringComparison.Ordinal);
        Assert.Equal(worker, WorkerOf(move));
        await EndAsync(move);
    }

    [Fact]
    public async Task Ctrl_C_ends_the_watching_alone_and_names_the_next_command()
    {
        await using var move = await BeginAsync();
        await using var first = HostProgram.Start(move, "start", "--json");
        await using (await CopyHold.TakeAsync(move, Token))
        {
            first.Signal("-INT");
            var (exitCode, output, _) = await first.WaitAsync(Token);
            Assert.Equal(1, exitCode);
            Assert.Contains("\"Detached\"", output, StringComparison.Ordinal);
            Assert.Contains("Start-BucardoSync", output, StringComparison.Ordinal);
            Assert.NotNull(HostProgram.WorkerOf(move));
        }

        await WaitUntilReadyAsync(move);
        await EndAsync(move);
    }

    [Fact]
    public async Task No_wait_returns_at_once_and_the_status_from_elsewhere_tells_of_the_copy()
    {
        await using var move = await BeginAsync();
        await using var start = HostProgram.Start(move, "start", "--no-wait", "--jobs", "3");
        await using (await CopyHold.TakeAsync(move, Token))
        {
            var (exitCode, _, errors) = await start.WaitAsync(Token);
            Assert.True(exitCode == 0, errors);
            var elsewhere = Directory.CreateTempSubdirectory("hm-elsewhere-");
            await using var migrator = new Migrator(move.Options with { StateRoot = elsewhere.FullName }, NoEvents.Instance);
            var clock = Stopwatch.StartNew();
            SyncStatus status;
            while ((status = await migrator.GetStatusAsync(Token)).Copy is null && clock.Elapsed < Patience)
            {
                await Task.Delay(100, Token);
            }

            Assert.Equal(MigrationPhase.Copying, status.Phase);
            Assert.NotNull(status.Copy);
            Assert.Equal(3, await move.AskTargetAsync<int>("SELECT (options ->> 'Jobs')::int FROM heroku_migrator.migration", Token));
            Assert.DoesNotContain(status.Problems, problem => problem.Contains("died", StringComparison.Ordinal));
            elsewhere.Delete(recursive: true);
        }

        await WaitUntilReadyAsync(move);
        await EndAsync(move);
    }

    [Fact]
    public async Task A_worker_that_is_killed_is_told_by_whoever_watches_and_the_same_command_goes_on()
    {
        await using var move = await BeginAsync();
        await using (var first = HostProgram.Start(move, "start", "--json"))
        {
            await using (await CopyHold.TakeAsync(move, Token))
            {
                HostProgram.Signal("-KILL", WorkerOf(move));
                var (exitCode, output, _) = await first.WaitAsync(Token);
                Assert.Equal(1, exitCode);
                Assert.Contains("\"WorkerDied\"", output, StringComparison.Ordinal);
                await using var migrator = move.NewMigrator();
                var status = await migrator.GetStatusAsync(Token);
                Assert.Equal(SyncHealth.Broken, status.Health);
                Assert.Contains(status.Problems, problem => problem.Contains("has died", StringComparison.Ordinal));
            }
        }

        await RunAsync(move, "start");
        await EndAsync(move);
    }

    [Fact]
    public async Task What_the_worker_meets_reaches_whoever_watches_with_its_id()
    {
        await using var move = await BeginAsync();
        await using var start = HostProgram.Start(move, "start", "--json");
        await using (await CopyHold.TakeAsync(move, Token))
        {
            await move.Target.ExecuteAsync("CREATE TABLE public.transfers_account_id_idx ()", Token);
        }

        var (exitCode, output, _) = await start.WaitAsync(Token);
        Assert.Equal(1, exitCode);
        Assert.Contains("\"SchemaEntryFailed\"", output, StringComparison.Ordinal);
        Assert.Contains("Start-BucardoSync", output, StringComparison.Ordinal);
        Assert.Equal(nameof(MigrationPhase.Failed), await move.PhaseAsync(Token));
        await move.Target.ExecuteAsync("DROP TABLE public.transfers_account_id_idx", Token);
        await RunAsync(move, "start");
        await EndAsync(move);
    }

    [Fact]
    public async Task Stop_ends_a_worker_in_the_middle_of_the_copy_with_its_sessions()
    {
        await using var move = await BeginAsync();
        var before = await SourceFootprint.CaptureAsync(move.Source, Token);
        await using var start = HostProgram.Start(move, "start", "--json");
        await using (await CopyHold.TakeAsync(move, Token))
        {
            var worker = WorkerOf(move);
            await using (var migrator = move.NewMigrator())
            {
                var busy = await Assert.ThrowsAsync<MigrationException>(() => migrator.SuspendAsync(Token));
                Assert.Equal("WrongPhase", busy.ErrorId);
            }

            await using var stop = HostProgram.Start(move, "stop", "--force");
            while (Directory.Exists("/proc/" + worker))
            {
                await Task.Delay(20, Token);
            }

            // The state cannot be dropped while the hold is on it; the worker and its sessions are gone before that.
            var until = Stopwatch.StartNew();
            while (await SessionsAsync(move, worker) > 0)
            {
                Assert.True(until.Elapsed < Patience, "the worker's sessions live on");
                await Task.Delay(20, Token);
            }
        }

        var (exitCode, output, _) = await start.WaitAsync(Token);
        Assert.Equal(1, exitCode);
        Assert.Contains("\"StartInterrupted\"", output, StringComparison.Ordinal);
        await RunAsync(move, "stop", "--force");
        Assert.Null(await move.PhaseAsync(Token));
        Assert.Empty(before.DifferencesTo(await SourceFootprint.CaptureAsync(move.Source, Token)));
    }

    [Fact]
    public async Task A_home_that_is_deleted_during_the_copy_does_not_hide_the_worker()
    {
        await using var move = await BeginAsync();
        await using var first = HostProgram.Start(move, "start", "--no-wait");
        string worker;
        await using (await CopyHold.TakeAsync(move, Token))
        {
            await first.WaitAsync(Token);
            worker = WorkerOf(move);
            await LabMove.DeleteFolderAsync(move.Home);
            await using var second = HostProgram.Start(move, "start", "--json", "--verbose");
            await second.WaitUntilSaidAsync("is under way already", Token);
            second.Signal("-INT");
            Assert.Contains(worker, (await second.WaitAsync(Token)).Output, StringComparison.Ordinal);
            await using var migrator = move.NewMigrator();
            var stop = migrator.StopAsync(Token);
            while (Directory.Exists("/proc/" + worker))
            {
                await Task.Delay(20, Token);
            }

            _ = stop.ContinueWith(task => _ = task.Exception, TaskScheduler.Default);
        }

        await using var again = move.NewMigrator();
        while (await move.PhaseAsync(Token) is not null)
        {
            await Task.Delay(50, Token);
        }
    }

    [Fact]
    public async Task What_waits_for_whom_is_told_by_process_user_and_application()
    {
        await using var move = await BeginAsync();
        await using var start = HostProgram.Start(move, "start", "--no-wait");
        await using (await CopyHold.TakeAsync(move, Token))
        {
            await start.WaitAsync(Token);
            await using var session = await MigrationSession.OpenAsync(move.Options, "spec", move.Events, Token);
            var wait = (await Waits.ReadAsync(session, Token))[0];
            Assert.Contains("On the target session", wait, StringComparison.Ordinal);
            Assert.Contains("waits for session", wait, StringComparison.Ordinal);
        }

        await EndAsync(move);
    }

    [Fact]
    public async Task The_workers_events_lie_in_a_private_file_without_a_password()
    {
        await using var move = await BeginAsync();
        await RunAsync(move, "start");
        var file = Path.Combine(move.Home, "events.jsonl");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        var text = await File.ReadAllTextAsync(file, Token);
        Assert.Contains("\"level\":\"information\"", text, StringComparison.Ordinal);
        foreach (var url in new[] { move.Source.Url, move.Target.Url })
        {
            var password = new Uri(url).UserInfo.Split(':')[1];
            Assert.DoesNotContain(password, text, StringComparison.Ordinal);
            Assert.DoesNotContain(Uri.UnescapeDataString(password), text, StringComparison.Ordinal);
        }

        await EndAsync(move);
    }

    private async Task<LabMove> BeginAsync()
    {
        var move = await lab.NewMoveAsync(Token);
        await TinySchema.CreateAsync(move.Source, Token);
        return move;
    }

    private static string WorkerOf(LabMove move) => HostProgram.WorkerOf(move) ?? throw new InvalidOperationException("no worker runs");

    private static async Task<long> SessionsAsync(LabMove move, string pid)
    {
        var sql = $"SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'heroku-migrator %pid {pid}'";
        return await move.AskTargetAsync<long>(sql, Token) + await move.AskSourceAsync<long>(sql, Token);
    }

    private static async Task WaitUntilReadyAsync(LabMove move)
    {
        await using var migrator = move.NewMigrator();
        Assert.True((await migrator.WaitUntilReadyAsync(Patience, Token)).ReadyToSwitch);
    }

    private static async Task EndAsync(LabMove move)
    {
        await RunAsync(move, "stop", "--force");
        Assert.Null(HostProgram.WorkerOf(move));
    }

    private static async Task RunAsync(LabMove move, params string[] arguments)
    {
        await using var program = HostProgram.Start(move, arguments);
        var (exitCode, output, errors) = await program.WaitAsync(Token);
        Assert.True(exitCode == 0, $"{string.Join(' ', arguments)} exited with {exitCode}\n{output}\n{errors}");
    }
}
