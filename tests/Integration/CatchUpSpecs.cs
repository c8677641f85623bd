using System.Diagnostics;
using System.Globalization;
using HerokuMigrator.Capture;
using HerokuMigrator.Catalog;
using HerokuMigrator.Lab;
using HerokuMigrator.Operations;
using Npgsql;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>Backlogs that are applied without Bucardo, before its daemon starts.</summary>
public sealed class CatchUpSpecs(LabPair lab)
{
    /// <summary>Keys whose equality is not that of their texts, of two columns, and under names that need quotes; a generated column; a second unique index.</summary>
    private const string Tables = """
        CREATE EXTENSION citext;
        CREATE SCHEMA "Mixed Case";
        CREATE COLLATION public.folded (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
        CREATE TABLE "Mixed Case"."Käse.Bröt" (note text, doubled bigint GENERATED ALWAYS AS ("Id Nr" * 2) STORED, "Id Nr" integer, "select" text, PRIMARY KEY ("select", "Id Nr"));
        CREATE TABLE public.loose (name citext PRIMARY KEY, note text);
        CREATE TABLE public.folded_names (name text COLLATE public.folded PRIMARY KEY, note text);
        CREATE TABLE public.amounts (amount numeric PRIMARY KEY, weight float8, code char(8) NOT NULL UNIQUE, note text);
        CREATE TABLE public.weights (weight float8, day date, note text, PRIMARY KEY (weight, day));
        CREATE TABLE public.emptied (id integer PRIMARY KEY, note text);
        INSERT INTO "Mixed Case"."Käse.Bröt" (note, "Id Nr", "select") SELECT E'tab\t\\', g, 'Schlüssel ''' || g % 7 FROM generate_series(1, 12000) g;
        INSERT INTO public.loose SELECT 'name ' || g, 'old' FROM generate_series(1, 12000) g;
        INSERT INTO public.folded_names SELECT 'name ' || g, 'old' FROM generate_series(1, 12000) g;
        INSERT INTO public.amounts SELECT g, g / 3.0::float8, 'c' || g, 'old' FROM generate_series(1, 12000) g;
        INSERT INTO public.weights SELECT g / 3.0::float8, date '2026-01-01' + g % 9, 'old' FROM generate_series(1, 12000) g;
        INSERT INTO public.emptied SELECT g, 'old' FROM generate_series(1, 12000) g;
        """;

    private const string Changes = """
        UPDATE "Mixed Case"."Käse.Bröt" SET "Id Nr" = "Id Nr" + 100000, note = 'moved' WHERE "Id Nr" % 3 = 0;
        UPDATE "Mixed Case"."Käse.Bröt" SET note = 'changed' WHERE "Id Nr" % 3 = 1;
        DELETE FROM "Mixed Case"."Käse.Bröt" WHERE "Id Nr" % 3 = 2;
        UPDATE public.loose SET name = upper(name::text), note = 'changed';
        DELETE FROM public.loose WHERE note = 'changed' AND right(name::text, 1) = '7';
        UPDATE public.folded_names SET name = upper(name), note = 'changed';
        DELETE FROM public.folded_names WHERE right(name, 1) = '7';
        UPDATE public.amounts SET amount = amount::numeric(12, 3), note = 'changed';
        UPDATE public.amounts SET code = 'x' || code WHERE amount < 100;
        DELETE FROM public.amounts WHERE amount > 11000;
        INSERT INTO public.amounts VALUES ('NaN', 'Infinity', 'c11500', 'new');
        UPDATE public.weights SET weight = -weight WHERE day > '2026-01-04';
        UPDATE public.weights SET note = 'changed';
        UPDATE public.emptied SET note = 'changed';
        TRUNCATE public.emptied;
        INSERT INTO public.emptied VALUES (1, 'after'), (20000, 'after');
        """;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_large_backlog_is_applied_without_Bucardo_and_only_what_its_snapshot_saw_is_removed()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await Owner.ExecuteAsync(move.Source, Tables, Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        await migrator.SuspendAsync(Token);
        await Owner.ExecuteAsync(move.Source, Changes, Token);
        // Committed after the snapshot, before the rows are read and the changes are removed.
        var late = 0;
        move.Events.OnText = text =>
        {
            if (text.StartsWith("Applying the backlog of \"public\".\"loose\"", StringComparison.Ordinal) && Interlocked.Exchange(ref late, 1) == 0)
            {
                Owner.Execute(move.Source, "UPDATE public.loose SET note = 'late' WHERE name = 'name 1'; DELETE FROM public.loose WHERE name = 'name 2'; INSERT INTO public.loose VALUES ('late', '')");
            }
        };
        await using (var session = await MigrationSession.OpenAsync(move.Options, "spec", move.Events, Token))
        {
            Assert.False(session.Daemon.IsRunning);
            await new CatchUp(session).ApplyAsync(await session.Store.ReadReplayedAsync(Token), Token);
        }

        Assert.Equal(1, late);
        foreach (var (table, pending) in new[] { ("\"Mixed Case\".\"Käse.Bröt\"", 0), ("public.loose", 3), ("public.folded_names", 0), ("public.amounts", 0), ("public.weights", 0) })
        {
            Assert.Equal(pending, await PendingAsync(move, table));
            var quoted = table.StartsWith('"') ? table : string.Join('.', table.Split('.').Select(SqlName.Quote));
            Assert.True(await move.AskTargetAsync<bool>($"SELECT EXISTS (SELECT FROM heroku_migrator.event WHERE kind = 'catch-up' AND message LIKE '{quoted}: %')", Token), table);
        }

        Assert.Equal("changed", await move.AskTargetAsync<string>("SELECT note FROM public.loose WHERE name::text = 'NAME 1'", Token));
        Assert.True(await move.AskTargetAsync<bool>("SELECT EXISTS (SELECT FROM public.loose WHERE name::text = 'NAME 2')", Token));
        // What came after a truncation is all of the table.
        Assert.Equal(2, await move.AskTargetAsync<long>("SELECT count(*) FROM public.emptied", Token));

        await migrator.ResumeAsync(Token);
        await migrator.SwitchAsync(new SwitchOptions(), Token);
        await AssertEqualAsync(move);
        await migrator.CompleteAsync(Token);
    }

    [Fact]
    public async Task A_table_that_is_truncated_while_its_keys_travel_is_left_to_Bucardo()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await Owner.ExecuteAsync(move.Source, "CREATE TABLE public.many (id integer PRIMARY KEY, note text); INSERT INTO public.many SELECT g, 'old' FROM generate_series(1, 20000) g", Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        await migrator.SuspendAsync(Token);
        await Owner.ExecuteAsync(move.Source, "UPDATE public.many SET note = 'changed'", Token);
        var once = 0;
        move.Events.OnText = text =>
        {
            if (text.StartsWith("Applying the backlog of ", StringComparison.Ordinal) && Interlocked.Exchange(ref once, 1) == 0)
            {
                Owner.Execute(move.Source, "TRUNCATE public.many; INSERT INTO public.many VALUES (7, 'after')");
            }
        };
        await migrator.ResumeAsync(Token);
        Assert.Equal(1, once);
        Assert.False(await move.AskTargetAsync<bool>("SELECT EXISTS (SELECT FROM heroku_migrator.event WHERE kind = 'catch-up')", Token));
        await migrator.SwitchAsync(new SwitchOptions(), Token);
        await AssertEqualAsync(move);
        await migrator.CompleteAsync(Token);
    }

    [Fact]
    public async Task Killed_anywhere_under_live_writers_it_is_applied_again_and_comes_to_the_same()
    {
        LongSpecs.SkipUnlessWanted();
        await using var source = await HerokuLikeServer.StartAsync(Token);
        await using var target = await PlanetScaleLikeServer.StartAsync(Token);
        await using var move = new LabMove(await source.CreateDatabaseAsync(Token), await target.CreateDatabaseAsync(Token));
        await Owner.ExecuteAsync(
            move.Source, "CREATE TABLE public.big (a integer, b text, note text, PRIMARY KEY (a, b)); INSERT INTO public.big SELECT g, 'b' || g % 11, 'old' FROM generate_series(1, 150000) g", Token);
        await RunAsync(move, "start");
        await RunAsync(move, "suspend");
        using var ended = new CancellationTokenSource();
        var writer = WriteAsync(move.Source, ended.Token);
        await Owner.ExecuteAsync(move.Source, "UPDATE public.big SET note = 'changed'", Token);
        List<string> killed = [];
        foreach (var moment in new[] { "COPY pg_temp%", "DELETE FROM ONLY%", "COPY \"public\".\"big\"%" })
        {
            await using var resume = HostProgram.Start(move, "resume");
            if (await SeeAsync(move.Target, moment, resume) > 0)
            {
                resume.Kill();
                killed.Add("host at " + moment);
            }

            await resume.WaitAsync(Token);
        }

        foreach (var (database, moment) in new (LabDatabase, string)[] { (move.Target, "COPY \"public\".\"big\"%"), (move.Source, "COPY (SELECT t.%") })
        {
            if (await move.PhaseAsync(Token) != nameof(MigrationPhase.Suspended))
            {
                await RunAsync(move, "suspend");
            }

            await Owner.ExecuteAsync(move.Source, "UPDATE public.big SET note = note || '.'", Token);
            await using var resume = HostProgram.Start(move, "resume");
            if (await SeeAsync(database, moment, resume) is > 0 and var pid)
            {
                // The whole server falls over and recovers.
                using var kill = Process.Start("kill", ["-KILL", pid.ToString(CultureInfo.InvariantCulture)]);
                await kill.WaitForExitAsync(Token);
                killed.Add($"backend at {moment}");
            }

            await resume.WaitAsync(Token);
        }

        await RunAsync(move, "start");
        await RunAsync(move, "resume");
        await RunAsync(move, "switch", "--force");
        await ended.CancelAsync();
        await writer;
        TestContext.Current.TestOutputHelper?.WriteLine("Killed: " + string.Join(", ", killed));
        Assert.NotEmpty(killed);
        await AssertEqualAsync(move);
        await RunAsync(move, "complete", "--force");
    }

    [Fact]
    public async Task A_change_of_very_many_rows_is_taken_from_a_daemon_that_runs()
    {
        LongSpecs.SkipUnlessWanted();
        await using var move = await lab.NewMoveAsync(Token);
        await Owner.ExecuteAsync(move.Source, "CREATE TABLE public.bulk (id integer PRIMARY KEY, n integer); INSERT INTO public.bulk SELECT g, 0 FROM generate_series(1, 700000) g", Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(Token);
        await using var other = move.NewMigrator();
        var watch = other.WatchAsync(ended.Token);
        await Owner.ExecuteAsync(move.Source, "UPDATE public.bulk SET n = 1", Token);
        var until = DateTimeOffset.UtcNow + Patience;
        while (!await move.AskTargetAsync<bool>("SELECT EXISTS (SELECT FROM heroku_migrator.event WHERE kind = 'catch-up' AND message LIKE '%700000 rows')", Token))
        {
            Assert.True(DateTimeOffset.UtcNow < until && !watch.IsCompleted, "the backlog was not applied by the worker");
            await Task.Delay(200, Token);
        }

        await ended.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => watch);
        await migrator.SwitchAsync(new SwitchOptions(), Token);
        await AssertEqualAsync(move);
        await migrator.CompleteAsync(Token);
    }

    private static async Task<long> PendingAsync(LabMove move, string table)
    {
        var name = table.Replace("\"", "", StringComparison.Ordinal).Split('.', 2);
        var names = CaptureNames.For(name[0], name[1]);
        return await move.AskSourceAsync<long>(
            $"SELECT count(*) FROM bucardo.\"{names.Delta}\" d WHERE NOT EXISTS (SELECT FROM bucardo.\"{names.Track}\" t WHERE t.txntime = d.txntime AND t.target = 'dbgroup migration')", Token);
    }

    private static async Task AssertEqualAsync(LabMove move)
    {
        var comparison = await DatabaseContents.CompareAsync(move.Source, move.Target, Token);
        Assert.True(comparison.AreEqual, comparison.ToString());
    }

    private static async Task RunAsync(LabMove move, params string[] arguments)
    {
        await using var program = HostProgram.Start(move, arguments);
        var (exitCode, output, errors) = await program.WaitAsync(Token);
        Assert.True(exitCode == 0, $"{string.Join(' ', arguments)} exited with {exitCode}\n{output}\n{errors}");
    }

    /// <summary>The backend that runs such a statement; 0 where the program ended before one was seen.</summary>
    private static async Task<int> SeeAsync(LabDatabase database, string statement, HostProgram program)
    {
        await using var connection = new NpgsqlConnection(database.AdminConnectionString);
        await connection.OpenAsync(Token);
        await using var command = new NpgsqlCommand("SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid() AND query LIKE $1", connection)
        {
            Parameters = { new NpgsqlParameter { Value = statement } },
        };
        while (!program.HasExited)
        {
            if (await command.ExecuteScalarAsync(Token) is int pid)
            {
                return pid;
            }

            await Task.Delay(1, Token);
        }

        return 0;
    }

    /// <summary>Keys that change, rows that go and come, until the fence refuses them; a server that falls over meanwhile is waited for.</summary>
    private static async Task WriteAsync(HerokuLikeDatabase source, CancellationToken ended)
    {
        for (var n = 1; !ended.IsCancellationRequested; n++)
        {
            try
            {
                await Owner.ExecuteAsync(
                    source,
                    $"UPDATE public.big SET a = a + 1000000 WHERE a = {n * 7}; DELETE FROM public.big WHERE a = {n * 7 + 1}; INSERT INTO public.big VALUES ({2000000 + n}, 'new', 'new'); UPDATE public.big SET note = 'late' WHERE a = {n * 7 + 2}",
                    Token);
            }
            catch (PostgresException exception) when (exception.SqlState is PostgresErrorCodes.InsufficientPrivilege or PostgresErrorCodes.ReadOnlySqlTransaction)
            {
                return;
            }
            catch (NpgsqlException)
            {
                await Task.Delay(100, Token);
            }

            await Task.Delay(10, Token);
        }
    }
}
