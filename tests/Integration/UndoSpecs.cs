using HerokuMigrator.Lab;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>Writes that reached the target before its switch was undone, and what tells of them.</summary>
public sealed class UndoSpecs(LabPair lab)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Where_the_target_lost_its_counters_every_table_is_copied_anew()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await Owner.ExecuteAsync(move.Source, "CREATE TABLE public.empty (id integer PRIMARY KEY)", Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        await migrator.SwitchAsync(new SwitchOptions(), Token);
        // Counted, and then forgotten, as by a crash of the server.
        await move.Target.ExecuteAsync("INSERT INTO public.empty VALUES (1)", Token);
        await move.Target.ExecuteAsync("SELECT pg_stat_force_next_flush(); SELECT pg_stat_reset()", Token);

        var undone = await migrator.UndoSwitchAsync(Token);
        Assert.Contains(move.Events.Warnings, warning => warning.Contains("counters", StringComparison.Ordinal));
        Assert.Equal(["\"public\".\"empty\""], undone.TablesWrittenOnTarget);
        Assert.Equal(0, await move.AskTargetAsync<long>("SELECT count(*) FROM public.empty", Token));
        await migrator.StopAsync(Token);
    }

    [Fact]
    public async Task Rows_written_on_the_target_while_the_undo_copies_are_told_and_replaced_too()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await TinySchema.CreateAsync(move.Source, Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        await migrator.SwitchAsync(new SwitchOptions(), Token);
        await move.Target.ExecuteAsync("INSERT INTO public.accounts (name) VALUES ('before the undo')", Token);
        move.Events.OnText = text =>
        {
            if (text.StartsWith("These tables were written on the target", StringComparison.Ordinal))
            {
                move.Events.OnText = null;
                Owner.Execute(move.Target, "DELETE FROM public.views");
            }
        };
        var undone = await migrator.UndoSwitchAsync(Token);
        Assert.Null(move.Events.OnText);
        Assert.Equal(["\"public\".\"accounts\"", "\"public\".\"views\""], undone.TablesWrittenOnTarget);
        Assert.Equal(50, await move.AskTargetAsync<long>("SELECT count(*) FROM public.views", Token));
        await migrator.StopAsync(Token);
    }
}
