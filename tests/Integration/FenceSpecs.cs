using HerokuMigrator.Lab;
using Npgsql;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>What gets past a fence, what it costs, and what its undoing meets.</summary>
public sealed class FenceSpecs(LabPair lab)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_view_of_a_superuser_that_others_write_through_stops_the_switch_before_the_fence()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await TinySchema.CreateAsync(move.Source, Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        await move.Source.ExecuteAsync(
            $"CREATE VIEW public.\"Door\" AS SELECT * FROM public.accounts; GRANT INSERT ON public.\"Door\" TO \"{move.Source.Credential.Name}\"", Token);

        var error = await Assert.ThrowsAsync<MigrationException>(() => migrator.SwitchAsync(new SwitchOptions(), Token));
        Assert.Equal("SwitchRefused", error.ErrorId);
        Assert.Contains("public.\"Door\"", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(move.Events.Texts, text => text.StartsWith("Fence closed", StringComparison.Ordinal));
        // A view of the same owner that nobody else may write is no door.
        await move.Source.ExecuteAsync($"REVOKE INSERT ON public.\"Door\" FROM \"{move.Source.Credential.Name}\"", Token);
        await migrator.SwitchAsync(new SwitchOptions(), Token);
        await migrator.StopAsync(Token);
    }

    [Fact]
    public async Task A_function_that_runs_as_a_superuser_is_told_as_a_warning()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await TinySchema.CreateAsync(move.Source, Token);
        await move.Source.ExecuteAsync("CREATE FUNCTION public.\"Back Door\"(n integer) RETURNS void LANGUAGE sql SECURITY DEFINER AS 'INSERT INTO public.views (path) VALUES (n::text)'", Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        await migrator.SwitchAsync(new SwitchOptions(), Token);
        Assert.Contains(move.Events.Warnings, warning => warning.Contains("public.\"Back Door\"", StringComparison.Ordinal));
        await migrator.StopAsync(Token);
    }

    [Fact]
    public async Task A_column_dropped_while_fenced_takes_its_own_grants_with_it()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await TinySchema.CreateAsync(move.Source, Token);
        var credential = $"\"{move.Source.Credential.Name}\"";
        await Owner.ExecuteAsync(move.Source, $"ALTER TABLE public.views ADD gone text, ADD \"Old Name\" text; GRANT UPDATE (gone, \"Old Name\") ON public.views TO {credential}", Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        var switched = await migrator.SwitchAsync(new SwitchOptions(), Token);
        await move.Source.ExecuteAsync("ALTER TABLE public.views DROP COLUMN gone; ALTER TABLE public.views RENAME COLUMN \"Old Name\" TO renamed", Token);

        // The file cannot know of the new name, but it must not fail for it.
        await Owner.ExecuteAsync(move.Source, await File.ReadAllTextAsync(switched.UndoFile!, Token), Token);
        await migrator.StopAsync(Token);
        Assert.True(await move.AskSourceAsync<bool>($"SELECT has_column_privilege('{move.Source.Credential.Name}', 'public.views', 'renamed', 'UPDATE')", Token));
    }

    [Fact]
    public async Task A_record_that_a_killed_undo_left_behind_is_not_the_next_fences()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await TinySchema.CreateAsync(move.Source, Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        await migrator.SwitchAsync(new SwitchOptions(), Token);
        await move.Target.ExecuteAsync("CREATE TABLE public.kept AS SELECT fence FROM heroku_migrator.migration", Token);
        await migrator.UndoSwitchAsync(Token);
        var undone = DateTimeOffset.UtcNow;
        // As a kill between the undo's last two steps leaves it.
        await move.Target.ExecuteAsync("UPDATE heroku_migrator.migration SET phase = 'CatchingUp', fence = (SELECT fence FROM public.kept); DROP TABLE public.kept", Token);
        await migrator.StartAsync(Token);
        var switched = await migrator.SwitchAsync(new SwitchOptions(), Token);
        Assert.True(switched.FencedAt > undone, $"fenced at {switched.FencedAt:O}, undone at {undone:O}");
        await migrator.StopAsync(Token);
    }

    [Fact]
    public async Task Time_that_writers_queued_behind_attempts_that_failed_is_told()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await TinySchema.CreateAsync(move.Source, Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        await using var holder = new NpgsqlConnection(move.Source.ConnectionString);
        await holder.OpenAsync(Token);
        await using var transaction = await holder.BeginTransactionAsync(Token);
        await using (var write = new NpgsqlCommand("INSERT INTO public.views (path) VALUES ('held')", holder))
        {
            await write.ExecuteNonQueryAsync(Token);
        }

        move.Events.OnText = text =>
        {
            if (text.Contains("attempt 2", StringComparison.Ordinal))
            {
                move.Events.OnText = null;
                transaction.Commit();
            }
        };
        var switched = await migrator.SwitchAsync(new SwitchOptions { LockTimeoutMs = 200 }, Token);
        Assert.Equal(3, switched.LockAttempts);
        Assert.True(switched.FailedAttemptsMs >= 2 * 190, $"{switched.FailedAttemptsMs} ms");
        await migrator.UndoSwitchAsync(Token);
        Assert.Equal(0, (await migrator.SwitchAsync(new SwitchOptions(), Token)).FailedAttemptsMs);
        await migrator.StopAsync(Token);
    }
}
