using HerokuMigrator.Catalog;
using HerokuMigrator.ExtensionRows;
using HerokuMigrator.Lab;
using Npgsql;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>What users put into tables of extensions: carried at the start and again under the fence, or told.</summary>
public sealed class ExtensionRowSpecs(LabPair lab)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Reference_systems_of_users_arrive_before_the_rows_that_are_computed_with_them_and_as_they_are_at_the_end()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await SkipWithoutAsync(move, "postgis");
        const string own = "SELECT coalesce(string_agg(s::text, E'\\n' ORDER BY srid), '') FROM heroku_ext.spatial_ref_sys s WHERE srid >= 990000";
        await move.Source.ExecuteAsync(
            $"""
            CREATE EXTENSION postgis SCHEMA heroku_ext; GRANT INSERT ON heroku_ext.spatial_ref_sys TO {SqlName.Quote(move.Source.Owner.Name)};
            INSERT INTO heroku_ext.spatial_ref_sys SELECT n, 'own \ of ' || n, 1, srtext, proj4text FROM heroku_ext.spatial_ref_sys, generate_series(990001, 990003) n WHERE srid = 3857
            """, Token);
        await Owner.ExecuteAsync(
            move.Source,
            """
            CREATE TABLE public.places (id integer PRIMARY KEY, spot heroku_ext.geometry(Point, 990001),
                world heroku_ext.geometry GENERATED ALWAYS AS (heroku_ext.ST_Transform(spot, 4326)) STORED);
            INSERT INTO public.places (id, spot) SELECT n, heroku_ext.ST_SetSRID(heroku_ext.ST_MakePoint(n, n), 990001) FROM generate_series(1, 500) n
            """, Token);
        await move.Target.ExecuteAsync($"CREATE SCHEMA heroku_ext AUTHORIZATION {SqlName.Quote(move.Target.Owner.Name)}; CREATE EXTENSION postgis SCHEMA heroku_ext", Token);

        var check = await move.CheckAsync("ExtensionTableRows");
        check.MustBe(CheckStatus.Warning, "\"heroku_ext\".\"spatial_ref_sys\"");
        Assert.Contains("The fence cannot hold 1 table", check.Finding, StringComparison.Ordinal);
        await move.Source.ExecuteAsync(check.Remedy, Token);
        (await move.CheckAsync("ExtensionTableRows")).MustBe(CheckStatus.Pass, "\"heroku_ext\".\"spatial_ref_sys\"");

        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        Assert.Equal(await move.AskSourceAsync<string>(own, Token), await move.AskTargetAsync<string>(own, Token));
        await using var writer = RefusedWriter.Start(move.Source, n => $"INSERT INTO public.places (id, spot) VALUES ({1000 + n}, heroku_ext.ST_SetSRID(heroku_ext.ST_MakePoint({n}, 1), 990001)); DELETE FROM public.places WHERE id = {n}");
        await move.Source.ExecuteAsync(
            """
            DELETE FROM heroku_ext.spatial_ref_sys WHERE srid = 990003; UPDATE heroku_ext.spatial_ref_sys SET auth_name = E'ch\tanged' WHERE srid = 990002;
            INSERT INTO heroku_ext.spatial_ref_sys (srid, auth_name) VALUES (990004, NULL)
            """, Token);
        await migrator.WaitUntilReadyAsync(Patience, Token);
        var switched = await migrator.SwitchAsync(new SwitchOptions(), Token);
        await writer.WaitUntilRefusedAsync();
        Assert.Equal(["\"heroku_ext\".\"spatial_ref_sys\""], switched.ExtensionTablesCopied);
        Assert.Equal(await move.AskSourceAsync<string>(own, Token), await move.AskTargetAsync<string>(own, Token));
        const string all = "SELECT md5(string_agg(s::text, '' ORDER BY srid)) FROM heroku_ext.spatial_ref_sys s";
        Assert.Equal(await move.AskSourceAsync<string>(all, Token), await move.AskTargetAsync<string>(all, Token));
        var comparison = await DatabaseContents.CompareAsync(move.Source, move.Target, Token);
        Assert.True(comparison.AreEqual, comparison.ToString());
        await migrator.CompleteAsync(Token);
    }

    [Fact]
    public async Task Tables_of_an_extension_that_lies_in_another_schema_and_version_are_carried_fenced_and_given_back()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await CreateOwnExtensionAsync(move);
        await Owner.ExecuteAsync(move.Source, $"GRANT INSERT, UPDATE (line) ON public.plain TO {SqlName.Quote(move.Source.Credential.Name)} WITH GRANT OPTION", Token);
        var before = await SourceFootprint.CaptureAsync(move.Source, Token);

        // The target's role may write everything there, and read only what it was given.
        var check = await move.CheckAsync("ExtensionTableRows");
        check.MustBe(CheckStatus.Warning, "\"public\".\"Käse.Bröt\"", "\"public\".\"numbers\"", "\"public\".\"plain\"");
        Assert.Contains($"GRANT SELECT, INSERT, DELETE ON \"Dort \"\"2\"\"\".\"Käse.Bröt\" TO {SqlName.Quote(move.Target.Owner.Name)}", check.Remedy, StringComparison.Ordinal);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        Assert.Contains(move.Events.Warnings, warning => warning.Contains("\"public\".\"plain\" of citext stays behind", StringComparison.Ordinal));
        await move.Target.ExecuteAsync(check.Remedy, Token);
        Assert.DoesNotContain("stays behind: the target's role", (await move.CheckAsync("ExtensionTableRows")).Finding, StringComparison.Ordinal);

        await using var writer = RefusedWriter.Start(move.Source, n => $"INSERT INTO public.plain VALUES (E'{n}\\t\\\\'); INSERT INTO public.\"Käse.Bröt\" (id, own) VALUES ({1000 + n}, true); SELECT nextval('public.numbers')");
        await writer.WaitForCommitsAsync(20);
        var switched = await migrator.SwitchAsync(new SwitchOptions(), Token);
        await writer.WaitUntilRefusedAsync();
        Assert.Equal(3, switched.ExtensionTablesCopied.Count);
        Assert.Contains(move.Events.Warnings, warning => warning.Contains("has no column \"only here\"", StringComparison.Ordinal));
        await MustBeCarriedAsync(move);

        await migrator.UndoSwitchAsync(Token);
        await Owner.ExecuteAsync(move.Source, "DELETE FROM public.plain WHERE line LIKE '1%'; UPDATE public.\"Käse.Bröt\" SET \"T\\ext\" = 'after' WHERE own; SELECT nextval('public.numbers')", Token);
        await move.Target.ExecuteAsync("INSERT INTO \"Dort \"\"2\"\"\".plain VALUES ('written there')", Token);
        await migrator.WaitUntilReadyAsync(Patience, Token);
        await migrator.SwitchAsync(new SwitchOptions(), Token);
        await MustBeCarriedAsync(move);
        await migrator.UndoSwitchAsync(Token);
        await migrator.StopAsync(Token);
        Assert.Empty(before.DifferencesTo(await SourceFootprint.CaptureAsync(move.Source, Token)));
    }

    [Fact]
    public async Task Killed_while_it_carries_the_same_command_makes_the_rows_whole()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await CreateOwnExtensionAsync(move);
        await Owner.ExecuteAsync(move.Source, "INSERT INTO public.plain SELECT repeat(n::text, 20) FROM generate_series(1, 300000) n", Token);
        await move.Target.ExecuteAsync($"GRANT SELECT ON ALL TABLES IN SCHEMA \"Dort \"\"2\"\"\" TO {SqlName.Quote(move.Target.Owner.Name)}; GRANT SELECT ON ALL SEQUENCES IN SCHEMA \"Dort \"\"2\"\"\" TO {SqlName.Quote(move.Target.Owner.Name)}", Token);
        await RunKilledAsync(move, "start");
        await RunAsync(move, "start");
        await Owner.ExecuteAsync(move.Source, "UPDATE public.plain SET line = line || 'x' WHERE line LIKE '7%'", Token);
        await RunKilledAsync(move, "switch", "--force");
        await RunAsync(move, "switch", "--force");
        await MustBeCarriedAsync(move);
        await RunAsync(move, "stop", "--force");
    }

    [Fact]
    public async Task Rows_that_the_target_had_or_refuses_are_told_and_those_that_maintenance_acts_on_wait_for_the_fence()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await SkipWithoutAsync(move, "pg_partman");
        await CreateOwnExtensionAsync(move);
        const string partman = "CREATE EXTENSION pg_partman SCHEMA partman; GRANT USAGE ON SCHEMA partman TO PUBLIC; GRANT SELECT ON ALL TABLES IN SCHEMA partman TO PUBLIC;";
        await move.Source.ExecuteAsync("CREATE SCHEMA partman; " + partman + "INSERT INTO partman.part_config (parent_table, control, partition_type, partition_interval) VALUES ('public.\"Käse.Bröt\"', 'id', 'native', '10')", Token);
        await move.Target.ExecuteAsync($"CREATE SCHEMA partman AUTHORIZATION {SqlName.Quote(move.Target.Owner.Name)}; {partman} GRANT SELECT ON ALL TABLES IN SCHEMA \"Dort \"\"2\"\"\" TO {SqlName.Quote(move.Target.Owner.Name)}; INSERT INTO \"Dort \"\"2\"\"\".plain VALUES ('theirs')", Token);
        var check = await move.CheckAsync("ExtensionTableRows");
        Assert.Contains("DELETE FROM ONLY \"Dort \"\"2\"\"\".\"plain\" ;", check.Remedy, StringComparison.Ordinal);

        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        const string rows = "SELECT count(*) FROM partman.part_config";
        Assert.Equal(0, await move.AskTargetAsync<long>(rows, Token));
        // As a later version of the extension might bring it.
        await move.Target.ExecuteAsync("INSERT INTO \"Dort \"\"2\"\"\".\"Käse.Bröt\" (own, id) VALUES (false, 77)", Token);
        await Owner.ExecuteAsync(move.Source, "INSERT INTO public.\"Käse.Bröt\" (own, id) VALUES (true, 77)", Token);
        await migrator.SwitchAsync(new SwitchOptions(), Token);
        Assert.Equal(1, await move.AskTargetAsync<long>(rows, Token));
        Assert.Contains(move.Events.Warnings, warning => warning.Contains("\"public\".\"Käse.Bröt\" of citext could not be carried to the target: duplicate key", StringComparison.Ordinal));
        Assert.Equal(2, await move.AskTargetAsync<long>("SELECT count(*) FROM \"Dort \"\"2\"\"\".\"Käse.Bröt\" WHERE own", Token));
        await migrator.UndoSwitchAsync(Token);
        Assert.Equal(0, await move.AskTargetAsync<long>(rows, Token));
        Assert.Equal("theirs", await move.AskTargetAsync<string>("SELECT string_agg(line, ',') FROM \"Dort \"\"2\"\"\".plain", Token));
        Assert.Contains(move.Events.Warnings, warning => warning.Contains("\"public\".\"plain\" of citext stays behind: the target's table holds rows", StringComparison.Ordinal));
        await migrator.StopAsync(Token);
    }

    [Fact]
    public void Jobs_that_the_target_would_run_at_once_stay_behind_whatever_its_role_may()
    {
        var job = new ExtensionRelation
        {
            Extension = "pg_cron", Schema = "cron", Name = "job", Kind = 'r', Condition = "", Readable = true, Fillable = true, HidesRows = false, Columns = ["jobid", "command"],
        };
        var pair = ExtensionTransfer.Pair([job], [job], new HashSet<string> { "pg_cron" }, new HashSet<string>(), ("\"a\"", "\"b\""));
        Assert.Equal("the target would run the jobs at once, beside the source", Assert.Single(pair).Obstacle);
        Assert.Null(Assert.Single(ExtensionTransfer.Pair([job with { Extension = "other" }], [job with { Extension = "other" }], new HashSet<string> { "other" }, new HashSet<string>(), ("\"a\"", "\"b\""))).Obstacle);
    }

    /// <summary>citext on both sides, which has no tables, with some of its own; on the target in another schema, with another condition and without one column.</summary>
    private static async Task CreateOwnExtensionAsync(LabMove move)
    {
        await Owner.ExecuteAsync(
            move.Source,
            """
            CREATE TABLE public."Käse.Bröt" (id integer PRIMARY KEY, own boolean NOT NULL, "T\ext" text, twice integer GENERATED ALWAYS AS (id * 2) STORED, "only here" text);
            INSERT INTO public."Käse.Bröt" VALUES (1, false, 'of the extension', DEFAULT, NULL), (2, true, E'\uFEFFa\tb\\c\n', DEFAULT, 'lost'), (3, true, NULL, DEFAULT, NULL);
            CREATE TABLE public.plain (line text); INSERT INTO public.plain VALUES ('one'), ('one'), (NULL);
            CREATE SEQUENCE public.numbers; SELECT setval('public.numbers', 41);
            """, Token);
        await move.Source.ExecuteAsync("CREATE EXTENSION citext SCHEMA public;" + Join("public", "WHERE own"), Token);
        const string there = "\"Dort \"\"2\"\"\"";
        await move.Target.ExecuteAsync(
            $"""
            CREATE SCHEMA {there}; CREATE EXTENSION citext SCHEMA {there}; GRANT USAGE ON SCHEMA {there} TO PUBLIC;
            CREATE TABLE {there}."Käse.Bröt" ("T\ext" text, own boolean NOT NULL, id integer PRIMARY KEY, twice integer GENERATED ALWAYS AS (id * 2) STORED);
            INSERT INTO {there}."Käse.Bröt" VALUES ('of the extension, later', false, 1); CREATE TABLE {there}.plain (line text); CREATE SEQUENCE {there}.numbers;
            """ + Join(there, "WHERE own AND id > 0"), Token);

        static string Join(string schema, string condition) =>
            $"""
            ALTER EXTENSION citext ADD TABLE {schema}."Käse.Bröt"; ALTER EXTENSION citext ADD TABLE {schema}.plain; ALTER EXTENSION citext ADD SEQUENCE {schema}.numbers;
            UPDATE pg_extension SET extcondition = ARRAY['{condition}', '', ''],
                extconfig = ARRAY[$${schema}."Käse.Bröt"$$::regclass, $${schema}.plain$$::regclass, $${schema}.numbers$$::regclass]::oid[] WHERE extname = 'citext';
            """;
    }

    private static async Task MustBeCarriedAsync(LabMove move)
    {
        static string Contents(string schema) => $"""
            SELECT concat_ws(E'\n', (SELECT string_agg(concat_ws('|', id, "T\ext", twice), ',' ORDER BY id) FROM {schema}."Käse.Bröt" WHERE own),
                (SELECT count(*) || ' ' || md5(string_agg(coalesce(line, 'null'), ',' ORDER BY line COLLATE "C")) FROM {schema}.plain), (SELECT last_value || ' ' || is_called FROM {schema}.numbers))
            """;
        Assert.Equal(await move.AskSourceAsync<string>(Contents("public"), Token), await move.AskTargetAsync<string>(Contents("\"Dort \"\"2\"\"\""), Token));
        Assert.Equal("of the extension, later", await move.AskTargetAsync<string>("SELECT \"T\\ext\" FROM \"Dort \"\"2\"\"\".\"Käse.Bröt\" WHERE NOT own", Token));
    }

    private static async Task SkipWithoutAsync(LabMove move, string extension) =>
        Assert.SkipUnless(await move.AskSourceAsync<bool>($"SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = '{extension}')", Token), $"{extension} is not installed here; its rows were not carried");

    private static async Task RunAsync(LabMove move, params string[] arguments)
    {
        await using var program = HostProgram.Start(move, arguments);
        var (exitCode, output, errors) = await program.WaitAsync(Token);
        Assert.True(exitCode == 0, $"{string.Join(' ', arguments)} exited with {exitCode}\n{output}\n{errors}");
    }

    /// <summary>Killed, with its worker, in the midst of the COPY of one of the tables.</summary>
    private static async Task RunKilledAsync(LabMove move, params string[] arguments)
    {
        await using var program = HostProgram.Start(move, arguments);
        while (!await move.AskTargetAsync<bool>("SELECT EXISTS (SELECT FROM pg_stat_progress_copy WHERE datname = current_database() AND tuples_processed > 1000 AND relid = '\"Dort \"\"2\"\"\".plain'::regclass)", Token))
        {
            Assert.False(program.HasExited, "it was never seen at it");
            await Task.Delay(2, Token);
        }

        program.KillWithWorker(move);
        await program.WaitAsync(Token);
    }

    /// <summary>One statement after the other by the source's owner, until the fence refuses one.</summary>
    private sealed class RefusedWriter : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stopping = CancellationTokenSource.CreateLinkedTokenSource(Token);
        private readonly Task<bool> _running;
        private int _committed;

        private RefusedWriter(LabDatabase database, Func<int, string> statement) => _running = WriteAsync(database, statement);

        public static RefusedWriter Start(LabDatabase database, Func<int, string> statement) => new(database, statement);

        public async Task WaitForCommitsAsync(int number)
        {
            while (Volatile.Read(ref _committed) < number)
            {
                Assert.False(_running.IsCompleted, "the writer has ended");
                await Task.Delay(10, Token);
            }
        }

        public async Task WaitUntilRefusedAsync() => Assert.True(await _running.WaitAsync(TimeSpan.FromSeconds(30), Token));

        public async ValueTask DisposeAsync()
        {
            await _stopping.CancelAsync();
            await Task.WhenAny(_running);
            _stopping.Dispose();
        }

        private async Task<bool> WriteAsync(LabDatabase database, Func<int, string> statement)
        {
            await using var connection = new NpgsqlConnection(database.ConnectionString);
            await connection.OpenAsync(_stopping.Token);
            for (var number = 1; !_stopping.IsCancellationRequested; number++)
            {
                await using var command = new NpgsqlCommand(statement(number), connection);
                try
                {
                    await command.ExecuteNonQueryAsync(_stopping.Token);
                    Interlocked.Increment(ref _committed);
                }
                catch (PostgresException exception) when (exception.SqlState is PostgresErrorCodes.InsufficientPrivilege)
                {
                    return true;
                }

                await Task.Delay(5, _stopping.Token);
            }

            return false;
        }
    }
}
