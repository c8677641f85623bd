using HerokuMigrator.Lab;
using Npgsql;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>Tables without a usable key: which of them are copied again under the fence.</summary>
public sealed class KeylessSpecs(LabPair lab)
{
    private const string Untouched = """
        CREATE TABLE public.still (a integer, "Käse.Bröt" text);
        CREATE TABLE public.still_days (day integer) PARTITION BY RANGE (day);
        CREATE TABLE public.still_day PARTITION OF public.still_days FOR VALUES FROM (0) TO (10);
        CREATE TABLE public.still_base (a integer);
        CREATE TABLE public.still_heir () INHERITS (public.still_base);
        CREATE TABLE public.own_days (day integer) PARTITION BY RANGE (day);
        CREATE TABLE public.own_early PARTITION OF public.own_days FOR VALUES FROM (0) TO (10);
        INSERT INTO public.still VALUES (1, 'x');
        INSERT INTO public.still_days VALUES (1);
        INSERT INTO public.still_heir VALUES (1);
        """;

    /// <summary>Each with what is done to it, and with the tables that are to be copied for it.</summary>
    private static readonly (string Before, string Change, string[] Copied)[] Changes =
    [
        ("CREATE TABLE public.inserted (a integer)", "INSERT INTO public.inserted VALUES (1)", ["inserted"]),
        ("CREATE TABLE public.serial (a integer)", "BEGIN ISOLATION LEVEL SERIALIZABLE; INSERT INTO public.serial VALUES (1); INSERT INTO public.serial VALUES (1); COMMIT", ["serial"]),
        ("CREATE TABLE public.saved (a integer)", "BEGIN; SAVEPOINT s; INSERT INTO public.saved VALUES (1); ROLLBACK TO s; INSERT INTO public.saved VALUES (2); COMMIT", ["saved"]),
        ("CREATE TABLE public.updated (a integer); INSERT INTO public.updated VALUES (1)", "UPDATE public.updated SET a = 2", ["updated"]),
        ("CREATE TABLE public.deleted (a integer); INSERT INTO public.deleted VALUES (1)", "DELETE FROM public.deleted", ["deleted"]),
        ("CREATE TABLE public.truncated (a integer); INSERT INTO public.truncated VALUES (1)", "TRUNCATE public.truncated", ["truncated"]),
        ("CREATE TABLE public.\"re'written \\\" (a integer); INSERT INTO public.\"re'written \\\" VALUES (1)", "ALTER TABLE public.\"re'written \\\" ALTER COLUMN a TYPE integer USING a * 10", ["re'written \\"]),
        // After a crash it is empty, and no statement made it so.
        ("CREATE UNLOGGED TABLE public.unlogged (a integer)", "SELECT 1", ["unlogged"]),
        ("CREATE TABLE public.own_late PARTITION OF public.own_days FOR VALUES FROM (10) TO (20)", "INSERT INTO public.own_late VALUES (12)", ["own_late"]),
        (Days("routed"), "INSERT INTO public.routed VALUES (2)", ["routed_early", "routed_late"]),
        (Days("moved"), "UPDATE public.moved SET day = day + 10 WHERE day < 10", ["moved_early", "moved_late"]),
        (Days("emptied"), "TRUNCATE public.emptied", ["emptied_early", "emptied_late"]),
        (
            // Attached for a while to what has no triggers of ours.
            "CREATE TABLE public.guest (day integer); CREATE TABLE public.host (day integer) PARTITION BY RANGE (day)",
            "ALTER TABLE public.host ATTACH PARTITION public.guest FOR VALUES FROM (0) TO (10); INSERT INTO public.host VALUES (1); ALTER TABLE public.host DETACH PARTITION public.guest",
            ["guest"]),
        (Heirs("base"), "UPDATE public.base SET a = a + 1", ["base", "base_heir"]),
        (Heirs("root"), "TRUNCATE public.root", ["root", "root_heir"]),
        (Heirs("other"), "DELETE FROM public.other_heir", ["other_heir"]),
        (
            """
            CREATE TABLE public.parents (id integer PRIMARY KEY);
            CREATE TABLE public.children (parent integer REFERENCES public.parents ON DELETE CASCADE) PARTITION BY HASH (parent);
            CREATE TABLE public.child PARTITION OF public.children FOR VALUES WITH (MODULUS 1, REMAINDER 0);
            CREATE TABLE public.orphans (parent integer REFERENCES public.parents ON DELETE SET NULL);
            INSERT INTO public.parents VALUES (1), (2);
            INSERT INTO public.child VALUES (1), (2);
            INSERT INTO public.orphans VALUES (1), (2)
            """,
            "DELETE FROM public.parents WHERE id = 1",
            ["child", "orphans"]),
    ];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static string Days(string name) => $"""
        CREATE TABLE public.{name} (day integer) PARTITION BY RANGE (day);
        CREATE TABLE public.{name}_early PARTITION OF public.{name} FOR VALUES FROM (0) TO (10);
        CREATE TABLE public.{name}_late PARTITION OF public.{name} FOR VALUES FROM (10) TO (20);
        INSERT INTO public.{name} VALUES (1), (11)
        """;

    private static string Heirs(string name) => $"""
        CREATE TABLE public.{name} (a integer);
        CREATE TABLE public.{name}_heir () INHERITS (public.{name});
        INSERT INTO public.{name} VALUES (1);
        INSERT INTO public.{name}_heir VALUES (2)
        """;

    [Fact]
    public async Task Just_those_that_may_have_been_written_since_their_copy_are_copied_under_the_fence()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await Owner.ExecuteAsync(move.Source, Untouched + string.Join(";\n", Changes.Select(change => change.Before)), Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        await Owner.ExecuteAsync(move.Source, "SELECT * FROM public.still; ANALYZE", Token);
        await Owner.ExecuteAsync(move.Source, "VACUUM public.still", Token);
        Assert.Contains((await migrator.DescribeAsync("switch", Token)).Steps, step => step.Contains("1 until now: \"public\".\"unlogged\"", StringComparison.Ordinal));
        foreach (var (_, change, _) in Changes)
        {
            await Owner.ExecuteAsync(move.Source, change, Token);
        }

        await AssertCopiedAsync(migrator, [.. Changes.SelectMany(change => change.Copied).Order(StringComparer.Ordinal)]);
        await AssertEqualAsync(move);
        await migrator.StopAsync(Token);
    }

    [Fact]
    public async Task A_row_copied_in_and_committed_right_before_the_fence_arrives()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await Owner.ExecuteAsync(move.Source, "CREATE TABLE public.filled (a integer)", Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        await using var writer = new NpgsqlConnection(move.Source.ConnectionString);
        await writer.OpenAsync(Token);
        var transaction = await writer.BeginTransactionAsync(Token);
        await using (var import = await writer.BeginTextImportAsync("COPY public.filled FROM STDIN", Token))
        {
            await import.WriteAsync("7\n8\n".AsMemory(), Token);
        }

        move.Events.OnText = text =>
        {
            if (text.StartsWith("Switching:", StringComparison.Ordinal))
            {
                move.Events.OnText = null;
                transaction.Commit();
            }
        };
        var switched = await migrator.SwitchAsync(new SwitchOptions(), Token);
        Assert.Null(move.Events.OnText);
        Assert.Equal(["\"public\".\"filled\""], switched.TablesCopiedWhole);
        Assert.Equal(2, await move.AskTargetAsync<long>("SELECT count(*) FROM public.filled", Token));
        await AssertEqualAsync(move);
        await migrator.StopAsync(Token);
    }

    [Fact]
    public async Task Tables_that_were_copied_before_they_were_watched_are_copied_again_and_all_of_them_after_an_undone_switch()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await Owner.ExecuteAsync(move.Source, "CREATE TABLE public.bare (a integer); CREATE TABLE public.plain (a integer); CREATE TABLE public.still (a integer)", Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        await Owner.ExecuteAsync(move.Source, "DROP TRIGGER heroku_migrator_written ON public.plain; INSERT INTO public.plain VALUES (1)", Token);
        // As after the program was exchanged for a later one.
        await migrator.StartAsync(Token);
        await Owner.ExecuteAsync(move.Source, "ALTER TABLE public.bare DISABLE TRIGGER USER; INSERT INTO public.bare VALUES (1)", Token);
        await AssertCopiedAsync(migrator, "bare", "plain");
        await migrator.UndoSwitchAsync(Token);
        await Owner.ExecuteAsync(move.Source, "INSERT INTO public.still VALUES (1)", Token);
        // Nobody can be sure any more.
        await AssertCopiedAsync(migrator, "bare", "plain", "still");
        await AssertEqualAsync(move);
        await migrator.StopAsync(Token);
    }

    private static async Task AssertCopiedAsync(Migrator migrator, params string[] tables) =>
        Assert.Equal(tables.Select(table => $"\"public\".\"{table}\""), (await migrator.SwitchAsync(new SwitchOptions(), Token)).TablesCopiedWhole.Order(StringComparer.Ordinal));

    private static async Task AssertEqualAsync(LabMove move)
    {
        var comparison = await DatabaseContents.CompareAsync(move.Source, move.Target, Token);
        Assert.True(comparison.AreEqual, comparison.ToString());
    }
}
