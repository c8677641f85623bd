using System.Globalization;
using HerokuMigrator.Lab;
using HerokuMigrator.Processes;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>The whole way of a migration, with writers that never rest.</summary>
public sealed class MigrationSpecs(LabPair lab)
{
    private static readonly TimeSpan Ready = TimeSpan.FromMinutes(3);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_shop_under_300_transactions_a_second_arrives_whole_and_leaves_no_trace()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await ShopSchema.CreateAsync(move.Source, 0.2, Token);
        var before = await SourceFootprint.CaptureAsync(move.Source, Token);
        await using var writers = Workload.StartShop(move.Source, new WorkloadOptions { TransactionsPerSecond = 300, TruncateReferenced = true });
        await writers.WaitForCommitsAsync(300, Ready, Token);

        await using var migrator = move.NewMigrator();
        Assert.True((await migrator.TestReadinessAsync(Token)).IsReady);
        var migration = await migrator.StartAsync(Token);
        Assert.Equal(MigrationPhase.Replicating, migration.Phase);
        await writers.WaitForCommitsAsync(1000, Ready, Token);
        var status = await migrator.WaitUntilReadyAsync(Ready, Token);
        Assert.True(status.ReadyToSwitch);
        Assert.Equal(status.Tables, status.TablesCopied);

        var switched = await migrator.SwitchAsync(new SwitchOptions(), Token);
        var committedAtSwitch = writers.Committed;
        Assert.Equal(MigrationPhase.Switched, switched.Phase);
        await Task.Delay(500, Token);
        Assert.Equal(committedAtSwitch, writers.Committed);
        Assert.True(writers.Refused > 0);
        var comparison = await DatabaseContents.CompareAsync(move.Source, move.Target, Token);
        Assert.True(comparison.AreEqual, comparison.ToString());

        await writers.StopAsync();
        var ledger = await LedgerCheck.CompareAsync(writers.Ledger, move.Target.AdminConnectionString, Token);
        Assert.True(ledger.IsComplete, ledger.ToString());
        Assert.Empty(writers.Errors);

        var completed = await migrator.CompleteAsync(Token);
        Assert.Equal(MigrationPhase.Completed, completed.Phase);
        Assert.Empty(before.DifferencesTo(await SourceFootprint.CaptureAsync(move.Source, Token)));
        Assert.False(await move.AskTargetAsync<bool>("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname IN ('heroku_migrator', 'bucardo'))", Token));
        Assert.Equal(MigrationPhase.Completed, (await migrator.GetStatusAsync(Token)).Phase);
        Assert.Equal(MigrationPhase.Completed, (await migrator.CompleteAsync(Token)).Phase);
        Assert.False(Directory.Exists(Path.Combine(move.Home, "bucardo")));
    }

    [Fact]
    public async Task An_undone_switch_leaves_the_source_as_it_was_and_the_next_switch_is_whole_again()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await ShopSchema.CreateAsync(move.Source, 0.1, Token);
        await using var writers = Workload.StartShop(move.Source, new WorkloadOptions { TransactionsPerSecond = 100, TruncateReferenced = true });
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        var before = await SourceFootprint.CaptureAsync(move.Source, Token);
        await migrator.SwitchAsync(new SwitchOptions(), Token);
        Assert.NotEmpty(before.DifferencesTo(await SourceFootprint.CaptureAsync(move.Source, Token)));

        var undone = await migrator.UndoSwitchAsync(Token);
        Assert.Equal(MigrationPhase.Replicating, undone.Phase);
        Assert.Empty(undone.TablesWrittenOnTarget);
        Assert.Empty(before.DifferencesTo(await SourceFootprint.CaptureAsync(move.Source, Token)));
        await writers.WaitForCommitsAsync(300, Ready, Token);

        await migrator.WaitUntilReadyAsync(Ready, Token);
        await migrator.SwitchAsync(new SwitchOptions(), Token);
        var comparison = await DatabaseContents.CompareAsync(move.Source, move.Target, Token);
        Assert.True(comparison.AreEqual, comparison.ToString());
        await writers.StopAsync();
        var ledger = await LedgerCheck.CompareAsync(writers.Ledger, move.Target.AdminConnectionString, Token);
        Assert.True(ledger.IsComplete, ledger.ToString());
        await migrator.CompleteAsync(Token);
    }

    [Fact]
    public async Task Rows_written_on_the_target_before_an_undo_are_told_and_replaced_by_the_sources()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await TinySchema.CreateAsync(move.Source, Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        await migrator.SwitchAsync(new SwitchOptions(), Token);
        await move.Target.ExecuteAsync("INSERT INTO public.accounts (name) VALUES ('only on the target'); DELETE FROM public.transfers", Token);

        var undone = await migrator.UndoSwitchAsync(Token);
        Assert.Equal(["\"public\".\"accounts\"", "\"public\".\"transfers\""], undone.TablesWrittenOnTarget);
        Assert.Contains(move.Events.Warnings, warning => warning.Contains("\"public\".\"accounts\"", StringComparison.Ordinal));
        await migrator.WaitUntilReadyAsync(Ready, Token);
        await migrator.SwitchAsync(new SwitchOptions(), Token);
        var comparison = await DatabaseContents.CompareAsync(move.Source, move.Target, Token);
        Assert.True(comparison.AreEqual, comparison.ToString());
        await migrator.CompleteAsync(Token);
    }

    [Fact]
    public async Task A_stopped_migration_leaves_the_source_as_it_was_and_no_state_on_the_target()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await ShopSchema.CreateAsync(move.Source, 0.05, Token);
        var before = await SourceFootprint.CaptureAsync(move.Source, Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        Assert.NotEmpty(before.DifferencesTo(await SourceFootprint.CaptureAsync(move.Source, Token)));
        var stopped = await migrator.StopAsync(Token);

        Assert.Equal(MigrationPhase.Aborted, stopped.Phase);
        Assert.Empty(before.DifferencesTo(await SourceFootprint.CaptureAsync(move.Source, Token)));
        Assert.False(await move.AskTargetAsync<bool>("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname IN ('heroku_migrator', 'bucardo'))", Token));
        Assert.Equal(MigrationPhase.Aborted, (await migrator.StopAsync(Token)).Phase);
    }

    [Fact]
    public async Task A_migration_stopped_while_switched_gives_the_privileges_back()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await TinySchema.CreateAsync(move.Source, Token);
        var before = await SourceFootprint.CaptureAsync(move.Source, Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        await migrator.SwitchAsync(new SwitchOptions(), Token);
        await migrator.StopAsync(Token);
        Assert.Empty(before.DifferencesTo(await SourceFootprint.CaptureAsync(move.Source, Token)));
    }

    [Fact]
    public async Task A_suspended_migration_captures_on_and_catches_up_when_resumed()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await TinySchema.CreateAsync(move.Source, Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        var suspended = await migrator.SuspendAsync(Token);
        Assert.Equal(MigrationPhase.Suspended, suspended.Phase);
        Assert.False(suspended.DaemonRunning);
        await using (var writers = Workload.StartTiny(move.Source, new WorkloadOptions { TransactionsPerSecond = 200 }))
        {
            await writers.WaitForCommitsAsync(200, Ready, Token);
        }

        Assert.True((await migrator.GetStatusAsync(Token)).Backlog > 0);
        Assert.Equal(MigrationPhase.Replicating, (await migrator.ResumeAsync(Token)).Phase);
        await migrator.WaitUntilReadyAsync(Ready, Token);
        await migrator.SwitchAsync(new SwitchOptions(), Token);
        var comparison = await DatabaseContents.CompareAsync(move.Source, move.Target, Token);
        Assert.True(comparison.AreEqual, comparison.ToString());
        await migrator.CompleteAsync(Token);
    }

    [Fact]
    public async Task The_undo_file_alone_takes_the_fence_away()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await ShopSchema.CreateAsync(move.Source, 0.05, Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        var switched = await migrator.SwitchAsync(new SwitchOptions(), Token);
        await using var owner = new Npgsql.NpgsqlConnection(move.Source.ConnectionString);
        await owner.OpenAsync(Token);
        Assert.Equal("on", await Scalar(owner, "SHOW default_transaction_read_only"));

        var psql = await new ProcessRunner().RunAsync(
            new ExternalCommand("psql").WithArguments("-X", "-v", "ON_ERROR_STOP=1", "-f", switched.UndoFile!)
                .WithEnvironment([
                    new("PGHOST", "127.0.0.1"), new("PGPORT", move.Source.Server.Port.ToString(CultureInfo.InvariantCulture)),
                    new("PGDATABASE", move.Source.Name), new("PGUSER", move.Source.Owner.Name), new("PGPASSWORD", move.Source.Owner.Password)]),
            Token);
        Assert.True(psql.ExitCode == 0, psql.StandardError);

        await using var again = new Npgsql.NpgsqlConnection(move.Source.ConnectionString);
        await again.OpenAsync(Token);
        Assert.Equal("off", await Scalar(again, "SHOW default_transaction_read_only"));
        await Scalar(again, "DELETE FROM shop.orders WHERE false");
        var refused = await Assert.ThrowsAsync<MigrationException>(() => migrator.CompleteAsync(Token));
        Assert.Equal("SourceWritable", refused.ErrorId);
        Assert.Equal(nameof(MigrationPhase.Switched), await move.PhaseAsync(Token));
        await migrator.StopAsync(Token);

        static async Task<object?> Scalar(Npgsql.NpgsqlConnection connection, string sql)
        {
            await using var command = new Npgsql.NpgsqlCommand(sql, connection);
            return await command.ExecuteScalarAsync(Token);
        }
    }

    [Fact]
    public async Task Two_migrations_run_side_by_side_under_two_names_and_never_under_one()
    {
        await using var first = await lab.NewMoveAsync(Token);
        await using var second = await lab.NewMoveAsync(Token);
        await TinySchema.CreateAsync(first.Source, Token);
        await TinySchema.CreateAsync(second.Source, Token);
        await using var one = first.NewMigrator();
        await one.StartAsync(Token);

        var sameName = second.Options with { StateRoot = first.Options.StateRoot };
        await using (var refused = new Migrator(sameName, second.Events))
        {
            var error = await Assert.ThrowsAsync<MigrationException>(() => refused.StartAsync(Token));
            Assert.Equal("NameInUse", error.ErrorId);
            Assert.True(error.IsRefusal);
        }

        await using var two = new Migrator(sameName with { Name = "other" }, second.Events);
        await two.StartAsync(Token);
        await one.WaitUntilReadyAsync(Ready, Token);
        await two.WaitUntilReadyAsync(Ready, Token);
        await two.StopAsync(Token);
        Assert.True((await one.GetStatusAsync(Token)).DaemonRunning);
        await one.StopAsync(Token);
    }

    [Fact]
    public async Task A_source_whose_target_is_gone_is_cleaned_only_when_the_target_is_given_up_by_name()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await TinySchema.CreateAsync(move.Source, Token);
        var before = await SourceFootprint.CaptureAsync(move.Source, Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        await migrator.SwitchAsync(new SwitchOptions(), Token);
        await move.Target.ExecuteAsync("DROP SCHEMA heroku_migrator CASCADE", Token);

        var error = await Assert.ThrowsAsync<MigrationException>(() => migrator.StopAsync(Token));
        Assert.Equal("StateMissing", error.ErrorId);
        Assert.Contains("-AbandonTarget", error.RecommendedAction, StringComparison.Ordinal);
        await migrator.StopAsync(new StopOptions { AbandonTarget = true }, Token);
        Assert.Empty(before.DifferencesTo(await SourceFootprint.CaptureAsync(move.Source, Token)));
    }

    [Fact]
    public async Task A_value_that_begins_with_a_byte_order_mark_arrives_with_it()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await TinySchema.CreateAsync(move.Source, Token);
        await move.Source.ExecuteAsync("TRUNCATE public.views; INSERT INTO public.views (path) VALUES (U&'\\FEFFfirst')", Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        await migrator.SwitchAsync(new SwitchOptions(), Token);
        var comparison = await DatabaseContents.CompareAsync(move.Source, move.Target, Token);
        Assert.True(comparison.AreEqual, comparison.ToString());
        await migrator.StopAsync(Token);
    }

    [Fact]
    public async Task A_table_made_anew_while_replicating_stops_the_switch()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await TinySchema.CreateAsync(move.Source, Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        await move.Source.ExecuteAsync("CREATE TABLE public.views_new (LIKE public.views INCLUDING ALL); DROP TABLE public.views; ALTER TABLE public.views_new RENAME TO views", Token);
        await move.Source.ExecuteAsync($"ALTER TABLE public.views OWNER TO \"{move.Source.Owner.Name}\"", Token);
        var error = await Assert.ThrowsAsync<MigrationException>(() => migrator.SwitchAsync(new SwitchOptions(), Token));
        Assert.Equal("SwitchRefused", error.ErrorId);
        Assert.Contains("views", error.Message, StringComparison.Ordinal);
        await migrator.StopAsync(Token);
    }
}
