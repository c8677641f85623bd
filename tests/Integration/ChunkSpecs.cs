using HerokuMigrator.Lab;
using Npgsql;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>Large tables are copied in chunks, each as the source is at another moment: what comes of them must be as if it were one.</summary>
public sealed class ChunkSpecs(LabPair lab)
{
    private const string Chunks = "SELECT count(*) FROM heroku_migrator.copy_chunk";

    /// <summary>A row that is changed moves to another block, and takes a unique value over from its neighbour.</summary>
    private const string Wanderers = """
        CREATE TABLE public."Wander.er" (id integer, part text, slot integer NOT NULL UNIQUE, filler text, PRIMARY KEY (part, id));
        INSERT INTO public."Wander.er" SELECT g, 'p"' || g % 3, g, repeat(md5(g::text), 20) FROM generate_series(1, 8000) g;
        CREATE TABLE public.quiet (id bigint PRIMARY KEY, at timestamptz, payload jsonb, tags text[]);
        INSERT INTO public.quiet SELECT g, now(), jsonb_build_object('n', g), ARRAY['a', NULL, g::text] FROM generate_series(1, 20000) g;
        """;


    private static readonly StartOptions SmallChunks = new() { ChunkBytes = 256 * 1024, MaxRateMBps = 3, Jobs = 2 };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_table_whose_rows_move_from_chunk_to_chunk_while_it_is_copied_arrives_as_it_is()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await Owner.ExecuteAsync(move.Source, Wanderers, Token);
        await using var migrator = move.NewMigrator();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var writer = WanderAsync(move.Source, stop.Token);
        await migrator.StartAsync(SmallChunks, Token);
        var chunks = await move.AskTargetAsync<long>(Chunks, Token);
        await stop.CancelAsync();
        var swaps = await writer;
        await migrator.SwitchAsync(new SwitchOptions(), Token);

        Assert.InRange(chunks, 20, 400);
        Assert.True(swaps > 50, $"Only {swaps} swaps were made: nothing was put to the test.");
        Assert.Contains(move.Events.Texts, text => text.Contains("come by the replay", StringComparison.Ordinal));
        var comparison = await DatabaseContents.CompareAsync(move.Source, move.Target, Token);
        Assert.True(comparison.AreEqual, comparison.ToString());
        await migrator.CompleteAsync(Token);
    }

    [Fact]
    public async Task A_copy_that_was_cut_off_goes_on_and_copies_no_chunk_again()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await Owner.ExecuteAsync(move.Source, Wanderers, Token);
        await using var migrator = move.NewMigrator();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var start = migrator.StartAsync(SmallChunks, stop.Token);
        await WaitForChunksAsync(move, 5);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => start);
        const string Copied = "SELECT string_agg(concat_ws(' ', table_name, chunk, copied_at, rows, bytes, xmin), E'\n' ORDER BY table_name, chunk) FROM heroku_migrator.copy_chunk WHERE copied_at <= $mark$";
        var mark = await move.AskTargetAsync<string>("SELECT quote_literal(max(copied_at)) FROM heroku_migrator.copy_chunk", Token);
        var before = await move.AskTargetAsync<string>(Copied.Replace("$mark$", mark, StringComparison.Ordinal), Token);

        await migrator.StartAsync(SmallChunks with { MaxRateMBps = 0 }, Token);

        Assert.Equal(before, await move.AskTargetAsync<string>(Copied.Replace("$mark$", mark, StringComparison.Ordinal), Token));
        Assert.Equal(0, await move.AskTargetAsync<long>(Chunks + " WHERE copied_at IS NULL", Token));
        Assert.Equal(28000, (await migrator.GetStatusAsync(Token)).RowsCopied);
        await migrator.SwitchAsync(new SwitchOptions(), Token);
        var comparison = await DatabaseContents.CompareAsync(move.Source, move.Target, Token);
        Assert.True(comparison.AreEqual, comparison.ToString());
    }

    [Fact]
    public async Task A_table_that_is_rewritten_in_the_middle_of_its_copy_is_copied_from_the_beginning()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await Owner.ExecuteAsync(move.Source, Wanderers + "DELETE FROM public.quiet WHERE id % 3 = 0", Token);
        await using var migrator = move.NewMigrator();
        var start = migrator.StartAsync(SmallChunks, Token);
        await WaitForChunksAsync(move, 5);
        await Owner.ExecuteAsync(move.Source, "VACUUM FULL public.\"Wander.er\"", Token);
        await Owner.ExecuteAsync(move.Source, "VACUUM FULL public.quiet", Token);
        await start;

        Assert.Contains(move.Events.Texts, text => text.Contains("copied from the beginning", StringComparison.Ordinal));
        await migrator.SwitchAsync(new SwitchOptions(), Token);
        var comparison = await DatabaseContents.CompareAsync(move.Source, move.Target, Token);
        Assert.True(comparison.AreEqual, comparison.ToString());
    }

    [Fact]
    public async Task Connections_that_break_in_the_middle_of_the_copy_are_made_again_by_itself()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await Owner.ExecuteAsync(move.Source, Wanderers, Token);
        await using var migrator = move.NewMigrator();
        var start = migrator.StartAsync(SmallChunks, Token);
        await WaitForChunksAsync(move, 3);
        const string Break = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'COPY %'";
        var broken = await move.AskSourceAsync<long>(Break, Token);
        await WaitForChunksAsync(move, 10);
        broken += await move.AskTargetAsync<long>(Break, Token);
        await start;

        Assert.True(broken > 0, "No connection was broken.");
        Assert.Contains(move.Events.Warnings, text => text.Contains("The next attempt at", StringComparison.Ordinal));
        await migrator.SwitchAsync(new SwitchOptions(), Token);
        var comparison = await DatabaseContents.CompareAsync(move.Source, move.Target, Token);
        Assert.True(comparison.AreEqual, comparison.ToString());
    }

    [Fact]
    public async Task Types_that_mean_something_else_in_binary_on_the_other_server_arrive_as_they_are()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await Owner.ExecuteAsync(
            move.Source,
            """"
            CREATE TYPE public.mood AS ENUM ('sad', 'Käse.Bröt"');
            CREATE TYPE public.pair AS (a integer, b public.mood);
            CREATE DOMAIN public.small AS integer CHECK (VALUE < 1000);
            CREATE DOMAIN public.smalls AS public.small[];
            CREATE TYPE public.span AS RANGE (subtype = float8);
            CREATE EXTENSION IF NOT EXISTS citext; CREATE EXTENSION IF NOT EXISTS hstore;
            CREATE TABLE public.plain (id integer PRIMARY KEY, m public.mood, s public.small, i8 int8, n numeric, f float8, t text, c citext, h hstore, b bytea, u uuid, j jsonb, js json,
                at timestamptz, d date, tm time, iv interval, r int4range, mr datemultirange, ip inet, bits bit varying, ts tsvector, box box, arr text[], arr2 numeric[]);
            CREATE TABLE public.composite (id integer PRIMARY KEY, p public.pair, ps public.pair[]);
            CREATE TABLE public.enums (id integer PRIMARY KEY, ms public.mood[], sm public.smalls, sp public.span);
            CREATE TABLE public.named (id integer PRIMARY KEY, r regclass, rs regtype[], m money, x xml);
            INSERT INTO public.plain VALUES (1, 'Käse.Bröt"', 7, 9223372036854775807, 'NaN', '-0', E'\uFEFFtab\t\\.', 'CiTe', 'a=>1, b=>NULL', '\x00ff5c', gen_random_uuid(), '{"a": [1, 2.50]}', '{"b":  1}',
                'infinity', '-infinity', '24:00', '1 year -2 days 03:04:05.678', '(1,5]', '{[2026-01-01,2026-02-01)}', '10.0.0.1/8', '1011', 'a:1A b', '((0,0),(1,1))', '{a,NULL,"q\"x"}', '{1.10,NULL}'),
                (2, NULL, NULL, NULL, 1.50, 'NaN', '', '', '', '', NULL, 'null', '[]', '-infinity', '5874897-12-31', '00:00', '0', 'empty', '{}', '::1', '', '', NULL, '{}', '[2:3]={1,2}');
            INSERT INTO public.composite VALUES (1, '(1,sad)', ARRAY['(2,"Käse.Bröt""")'::public.pair, NULL]);
            INSERT INTO public.enums VALUES (1, '{sad,NULL}', '{1,999}', '[1.5,2.5)');
            INSERT INTO public.named VALUES (1, 'public.plain', '{integer,public.mood}', '12.34', '<a>b</a>');
            """",
            Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        await migrator.SwitchAsync(new SwitchOptions(), Token);

        var comparison = await DatabaseContents.CompareAsync(move.Source, move.Target, Token);
        Assert.True(comparison.AreEqual, comparison.ToString());
        Assert.Equal(5, (await migrator.GetStatusAsync(Token)).RowsCopied);
    }

    [Fact]
    public async Task A_source_that_suffers_slows_the_copy_down_and_the_status_says_why()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await Owner.ExecuteAsync(move.Source, Wanderers, Token);
        await using var migrator = move.NewMigrator();
        var start = migrator.StartAsync(SmallChunks with { MaxRateMBps = 1 }, Token);
        await WaitForChunksAsync(move, 1);
        await using (var blocker = new NpgsqlConnection(move.Source.AdminConnectionString))
        {
            await blocker.OpenAsync(Token);
            // Whoever commits waits for this row: the same to the governor as a disk that is too slow.
            for (var round = 0; round < 40 && !move.Events.Warnings.Any(IsSlowedDown); round++)
            {
                await using var transaction = await blocker.BeginTransactionAsync(Token);
                await using var command = new NpgsqlCommand("UPDATE heroku_migrator.pulse SET at = at", blocker, transaction);
                await command.ExecuteNonQueryAsync(Token);
                await Task.Delay(700, Token);
                await transaction.RollbackAsync(Token);
            }
        }

        Assert.Contains(move.Events.Warnings, IsSlowedDown);
        await start;
    }

    private static bool IsSlowedDown(string text) => text.Contains("The copy is slowed down: commits on the source take", StringComparison.Ordinal);

    private static async Task WaitForChunksAsync(LabMove move, long count)
    {
        for (var wait = 0; wait < 1200; wait++)
        {
            try
            {
                if (await move.AskTargetAsync<long>(Chunks + " WHERE copied_at IS NOT NULL", Token) >= count)
                {
                    return;
                }
            }
            catch (PostgresException exception) when (exception.SqlState is PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.InvalidSchemaName)
            {
                // The migration has not begun.
            }

            await Task.Delay(50, Token);
        }

        Assert.Fail($"There are no {count} chunks.");
    }

    /// <summary>Swaps unique values of two rows by writing both anew; returns how often.</summary>
    private static async Task<int> WanderAsync(HerokuLikeDatabase source, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(source.AdminConnectionString);
        await connection.OpenAsync(Token);
        var swaps = 0;
        while (!cancellationToken.IsCancellationRequested)
        {
            var (from, to) = (1 + Random.Shared.Next(8000), 1 + Random.Shared.Next(8000));
            if (from != to)
            {
                await using var command = new NpgsqlCommand(
                    $"""
                    BEGIN;
                    UPDATE public."Wander.er" SET slot = -{from} WHERE slot = {from};
                    UPDATE public."Wander.er" SET slot = {from} WHERE slot = {to};
                    UPDATE public."Wander.er" SET slot = {to}, id = id + 10000 WHERE slot = -{from};
                    COMMIT
                    """,
                    connection);
                await command.ExecuteNonQueryAsync(Token);
                swaps++;
            }
        }

        return swaps;
    }
}
