using HerokuMigrator.Copy;
using HerokuMigrator.Lab;
using HerokuMigrator.Operations;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>What is pending of all tables, applied at once and without the daemon, as the first drain of a start is.</summary>
public sealed class SnapshotDrainSpecs(LabPair lab)
{
    private const string Tables = """
        CREATE TABLE public.parents (id integer PRIMARY KEY, note text);
        CREATE TABLE public."Käse.Bröt" ("Id Nr" integer PRIMARY KEY, parent integer REFERENCES public.parents, note text);
        INSERT INTO public.parents SELECT g, 'old' FROM generate_series(1, 50) g;
        INSERT INTO public."Käse.Bröt" SELECT g, g, 'old' FROM generate_series(1, 50) g;
        """;

    private const string Changes = """
        UPDATE public.parents SET id = id + 1000, note = 'moved' WHERE id > 1000;
        INSERT INTO public.parents SELECT g, 'new' FROM generate_series(51, 60) g;
        UPDATE public."Käse.Bröt" SET parent = "Id Nr" + 10, note = E'tab\t\\' WHERE "Id Nr" > 40;
        DELETE FROM public."Käse.Bröt" WHERE "Id Nr" <= 10;
        DELETE FROM public.parents WHERE id <= 10;
        """;

    private const string Orphans = """SELECT count(*) FROM public."Käse.Bröt" b LEFT JOIN public.parents p ON p.id = b.parent WHERE p.id IS NULL""";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task All_tables_come_to_one_moment_whatever_commits_meanwhile()
    {
        await using var move = await SuspendedAsync();
        await using var session = await MigrationSession.OpenAsync(move.Options, "spec", move.Events, Token);
        var replayed = await session.Store.ReadReplayedAsync(Token);
        var late = 0;
        // Between the rows of one table and those of the other.
        move.Events.OnText = text =>
        {
            if (text.StartsWith("Applying the backlog of \"public\".\"parents\"", StringComparison.Ordinal) && Interlocked.Exchange(ref late, 1) == 0)
            {
                Owner.Execute(move.Source, "INSERT INTO public.parents VALUES (77, 'late'); INSERT INTO public.\"Käse.Bröt\" VALUES (77, 77, 'late'); UPDATE public.\"Käse.Bröt\" SET parent = 60 WHERE \"Id Nr\" = 45");
            }
        };

        Assert.True(await new SnapshotDrain(session).TryApplyAsync(replayed, Token));

        Assert.Equal(1, late);
        Assert.Equal(0, await move.AskTargetAsync<long>(Orphans, Token));
        Assert.Equal((60L, 50L), (await move.AskSourceAsync<long>("SELECT max(id)::bigint FROM public.parents WHERE id <> 77", Token), await move.AskTargetAsync<long>("SELECT count(*) FROM public.parents", Token)));
        Assert.False(await move.AskTargetAsync<bool>("SELECT EXISTS (SELECT FROM public.parents WHERE note = 'late')", Token));
        Assert.Equal(55, await move.AskTargetAsync<int>("SELECT parent FROM public.\"Käse.Bröt\" WHERE \"Id Nr\" = 45", Token));

        // What came meanwhile is still pending, and comes with the next.
        move.Events.OnText = null;
        Assert.True(await new SnapshotDrain(session).TryApplyAsync(replayed, Token));
        await AssertEqualAsync(move);
    }

    [Fact]
    public async Task Killed_between_the_two_commits_it_is_applied_again_and_comes_to_the_same()
    {
        await using var move = await SuspendedAsync();
        await using var session = await MigrationSession.OpenAsync(move.Options, "spec", move.Events, Token);
        var replayed = await session.Store.ReadReplayedAsync(Token);
        using var killed = new CancellationTokenSource();
        move.Events.OnText = text =>
        {
            if (text.StartsWith("The backlog of 2 tables is on the target", StringComparison.Ordinal))
            {
                killed.Cancel();
            }
        };

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => new SnapshotDrain(session).TryApplyAsync(replayed, killed.Token));
        await AssertEqualAsync(move);
        await Owner.ExecuteAsync(move.Source, "UPDATE public.parents SET note = 'since' WHERE id = 20; DELETE FROM public.\"Käse.Bröt\" WHERE \"Id Nr\" = 45", Token);
        Assert.True(await new SnapshotDrain(session).TryApplyAsync(replayed, Token));
        await AssertEqualAsync(move);
    }

    [Fact]
    public async Task A_table_that_was_emptied_before_is_emptied_and_filled_again()
    {
        await using var move = await SuspendedAsync();
        await using var session = await MigrationSession.OpenAsync(move.Options, "spec", move.Events, Token);
        var replayed = await session.Store.ReadReplayedAsync(Token);
        await Owner.ExecuteAsync(move.Source, "TRUNCATE public.\"Käse.Bröt\"; INSERT INTO public.\"Käse.Bröt\" VALUES (1, 11, 'after')", Token);

        Assert.True(await new SnapshotDrain(session).TryApplyAsync(replayed, Token));
        await AssertEqualAsync(move);
        Assert.Equal(0, await move.AskSourceAsync<long>("SELECT count(*) FROM bucardo.bucardo_truncate_trigger WHERE replicated IS NULL", Token));

        // And once more by Bucardo's own word: nothing is pending.
        await using var migrator = move.NewMigrator();
        await migrator.ResumeAsync(Token);
        await Owner.ExecuteAsync(move.Source, "INSERT INTO public.\"Käse.Bröt\" VALUES (2, 11, 'replayed')", Token);
        await migrator.SwitchAsync(new SwitchOptions(), Token);
        await AssertEqualAsync(move);
        await migrator.StopAsync(Token);
    }

    [Theory]
    [InlineData("TRUNCATE public.\"Käse.Bröt\"; INSERT INTO public.\"Käse.Bröt\" VALUES (1, 11, 'after')")]
    [InlineData("ALTER TABLE public.parents ALTER COLUMN note TYPE text USING upper(note)")]
    public async Task A_table_that_is_emptied_or_rewritten_meanwhile_is_left_to_Bucardo_with_all_that_is_pending(string statement)
    {
        await using var move = await SuspendedAsync();
        await using var session = await MigrationSession.OpenAsync(move.Options, "spec", move.Events, Token);
        var replayed = await session.Store.ReadReplayedAsync(Token);
        var once = 0;
        move.Events.OnText = text =>
        {
            if (text.StartsWith("Applying the backlog of ", StringComparison.Ordinal) && Interlocked.Exchange(ref once, 1) == 0)
            {
                Owner.Execute(move.Source, statement);
            }
        };

        Assert.False(await new SnapshotDrain(session).TryApplyAsync(replayed, Token));

        Assert.Equal(50, await move.AskTargetAsync<long>("SELECT count(*) FROM public.\"Käse.Bröt\" WHERE note = 'old'", Token));
        move.Events.OnText = null;
        await using var migrator = move.NewMigrator();
        await migrator.ResumeAsync(Token);
        await migrator.SwitchAsync(new SwitchOptions(), Token);
        await AssertEqualAsync(move);
        await migrator.CompleteAsync(Token);
    }

    /// <summary>Replicated once, then suspended, and changed since.</summary>
    private async Task<LabMove> SuspendedAsync()
    {
        var move = await lab.NewMoveAsync(Token);
        await Owner.ExecuteAsync(move.Source, Tables, Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        await migrator.SuspendAsync(Token);
        await Owner.ExecuteAsync(move.Source, Changes, Token);
        return move;
    }

    private static async Task AssertEqualAsync(LabMove move)
    {
        foreach (var table in new[] { "public.parents", "public.\"Käse.Bröt\"" })
        {
            var sql = $"SELECT string_agg(t::text, E'\\n' ORDER BY t::text COLLATE \"C\") FROM {table} t";
            Assert.Equal(await move.AskSourceAsync<string>(sql, Token), await move.AskTargetAsync<string>(sql, Token));
        }
    }
}
