using System.Diagnostics;
using System.Globalization;
using HerokuMigrator.Catalog;
using HerokuMigrator.Lab;
using HerokuMigrator.Operations;
using Npgsql;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>A start that is interrupted, fails or meets locks, and what is told of it.</summary>
public sealed class StartStepSpecs(LabPair lab)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_start_that_ended_before_ANALYZE_does_it_when_run_again()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await Owner.ExecuteAsync(move.Source, "CREATE TABLE public.quiet (note text); INSERT INTO public.quiet SELECT 'row' FROM generate_series(1, 5)", Token);
        await using var holder = new NpgsqlConnection(move.Target.AdminConnectionString);
        await holder.OpenAsync(Token);
        await using var migrator = move.NewMigrator();
        NpgsqlTransaction? held = null;
        move.Events.OnText = text =>
        {
            if (text.StartsWith("Copied ", StringComparison.Ordinal))
            {
                move.Events.OnText = null;
                held = holder.BeginTransaction();
                using var take = new NpgsqlCommand("LOCK TABLE public.quiet IN ACCESS EXCLUSIVE MODE", holder);
                take.ExecuteNonQuery();
            }
        };
        using (var killed = CancellationTokenSource.CreateLinkedTokenSource(Token))
        {
            var start = migrator.StartAsync(killed.Token);
            while (!start.IsCompleted && !await move.AskTargetAsync<bool>("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE 'ANALYZE%')", Token))
            {
                await Task.Delay(20, Token);
            }

            await killed.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => start);
        }

        await held!.RollbackAsync(Token);
        Assert.Equal(-1, await move.AskTargetAsync<float>("SELECT reltuples FROM pg_class WHERE oid = 'public.quiet'::regclass", Token));
        await migrator.StartAsync(Token);
        Assert.Equal(5, await move.AskTargetAsync<float>("SELECT reltuples FROM pg_class WHERE oid = 'public.quiet'::regclass", Token));
        await migrator.StopAsync(Token);
    }

    [Fact]
    public async Task A_start_that_failed_is_told_as_Failed_and_goes_on_when_run_again()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await TinySchema.CreateAsync(move.Source, Token);
        await using var migrator = move.NewMigrator();
        var copied = false;
        move.Events.OnText = text =>
        {
            if (!copied && text.StartsWith("Copied \"public\".\"transfers\"", StringComparison.Ordinal))
            {
                copied = true;
                Owner.Execute(move.Target, "CREATE INDEX transfers_account_id_idx ON public.transfers (amount)");
            }
        };
        var error = await Assert.ThrowsAsync<MigrationException>(() => migrator.StartAsync(Token));
        Assert.Equal("SchemaEntryFailed", error.ErrorId);
        var status = await migrator.GetStatusAsync(Token);
        Assert.Equal(MigrationPhase.Failed, status.Phase);
        Assert.Equal(SyncHealth.Broken, status.Health);
        Assert.Contains(status.Problems, problem => problem.Contains("SchemaEntryFailed", StringComparison.Ordinal));
        var wait = await Assert.ThrowsAsync<MigrationException>(() => migrator.WaitUntilReadyAsync(Patience, Token));
        Assert.Contains("SchemaEntryFailed", wait.Message, StringComparison.Ordinal);

        await move.Target.ExecuteAsync("DROP INDEX public.transfers_account_id_idx", Token);
        Assert.Equal(MigrationPhase.Replicating, (await migrator.StartAsync(Token)).Phase);
        Assert.DoesNotContain((await migrator.GetStatusAsync(Token)).Problems, problem => problem.Contains("SchemaEntryFailed", StringComparison.Ordinal));
        await migrator.StopAsync(Token);
    }

    [Fact]
    public async Task A_start_right_after_a_kill_is_not_disturbed_by_an_initdb_that_lives_on()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await TinySchema.CreateAsync(move.Source, Token);
        string orphan;
        await using (var first = HostProgram.Start(move, "start"))
        {
            while (Initializing(move, "") is null && !first.HasExited)
            {
                await Task.Delay(2, Token);
            }

            orphan = Initializing(move, "") ?? throw new InvalidOperationException("the start ended before initdb was seen");
            Signal("-STOP", orphan);
            first.KillWithWorker(move);
            await first.WaitAsync(Token);
        }

        await using var second = HostProgram.Start(move, "start");
        while (Initializing(move, orphan) is null && !second.HasExited)
        {
            await Task.Delay(2, Token);
        }

        // It goes on beside the second one's, and whatever becomes of it, it must not reach what the second one makes.
        Signal("-CONT", orphan);
        var (exitCode, _, errors) = await second.WaitAsync(Token);
        Assert.True(exitCode == 0, errors);
        await using var migrator = move.NewMigrator();
        await migrator.StopAsync(Token);
    }

    [Fact]
    public async Task A_worker_that_died_shows_in_the_status()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await TinySchema.CreateAsync(move.Source, Token);
        await using (var start = HostProgram.Start(move, "start"))
        {
            var (exitCode, _, errors) = await start.WaitAsync(Token);
            Assert.True(exitCode == 0, errors);
        }

        await using var migrator = move.NewMigrator();
        Assert.DoesNotContain((await migrator.GetStatusAsync(Token)).Problems, problem => problem.Contains("worker", StringComparison.Ordinal));
        var pid = int.Parse(await File.ReadAllTextAsync(Path.Combine(move.Home, "worker.pid"), Token), CultureInfo.InvariantCulture);
        using (var worker = Process.GetProcessById(pid))
        {
            worker.Kill();
            await worker.WaitForExitAsync(Token);
        }

        var status = await migrator.GetStatusAsync(Token);
        Assert.Contains(status.Problems, problem => problem.Contains("worker", StringComparison.Ordinal));
        Assert.Equal(SyncHealth.Degraded, status.Health);
        await migrator.StopAsync(Token);
    }

    [Fact]
    public async Task A_table_that_somebody_has_locked_does_not_hold_the_catalog_back()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await TinySchema.CreateAsync(move.Source, Token);
        await using var holder = new NpgsqlConnection(move.Source.ConnectionString);
        await holder.OpenAsync(Token);
        await using var transaction = await holder.BeginTransactionAsync(Token);
        await using (var take = new NpgsqlCommand("LOCK TABLE public.accounts IN ACCESS EXCLUSIVE MODE", holder))
        {
            await take.ExecuteNonQueryAsync(Token);
        }

        await using var session = await MigrationSession.OpenAsync(move.Options, "spec", move.Events, Token);
        await using var source = await session.OpenSourceAsync(Token);
        var catalog = await CatalogReader.ReadAsync(source, Token).WaitAsync(TimeSpan.FromSeconds(30), Token);
        Assert.Contains(catalog.Tables, table => table.Name == "accounts");
    }

    /// <summary>The pid of an initdb for this move's control cluster, other than the one that is known.</summary>
    private static string? Initializing(LabMove move, string known) =>
        Directory.GetDirectories("/proc").Select(folder => Path.GetFileName(folder)).Where(pid => pid.All(char.IsAsciiDigit) && pid != known).FirstOrDefault(pid =>
        {
            try
            {
                var line = File.ReadAllText($"/proc/{pid}/cmdline").Split('\0');
                return line[0].EndsWith("/initdb", StringComparison.Ordinal) && line.Any(argument => argument.StartsWith(move.StateRoot, StringComparison.Ordinal));
            }
            catch (IOException)
            {
                return false;
            }
        });

    private static void Signal(string signal, string pid)
    {
        using var kill = Process.Start("kill", [signal, pid]);
        kill.WaitForExit();
    }
}
