using Npgsql;
using Xunit;

namespace HerokuMigrator.Integration;

public sealed class ReadinessOfSchemasSpecs(LabPair lab)
{
    [Fact]
    [Fires("Extensions")]
    public async Task An_extension_that_the_schema_needs_and_the_target_cannot_make_blocks()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsync(
            """
            CREATE EXTENSION dblink SCHEMA public; CREATE EXTENSION citext SCHEMA public; CREATE EXTENSION lo SCHEMA public;
            CREATE TABLE public.attachments (id int PRIMARY KEY, file public.lo);
            CREATE TABLE public.people (email public.citext PRIMARY KEY);
            """,
            token);
        // lo and citext are trusted, dblink is not; this takes lo away too.
        await move.Target.ExecuteAsync(
            """
            CREATE FUNCTION public.refuse() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN IF current_query() LIKE ''%"lo"%'' THEN RAISE EXCEPTION ''not on the list''; END IF; END';
            CREATE EVENT TRIGGER refuse ON ddl_command_start WHEN TAG IN ('CREATE EXTENSION') EXECUTE FUNCTION public.refuse();
            """,
            token);

        var check = await move.CheckAsync("Extensions");

        check.MustBe(CheckStatus.Blocked, "\"lo\"", "\"pg_stat_statements\"", "\"dblink\"");
        Assert.Contains("not on the list", check.Finding, StringComparison.Ordinal);
        Assert.Contains("column file of table public.attachments", check.Finding, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_missing_extension_requires_is_made_before_it_by_the_remedy()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsync(
            """
            CREATE EXTENSION cube SCHEMA public; CREATE EXTENSION earthdistance SCHEMA public;
            CREATE TABLE public.places (id int PRIMARY KEY, at public.earth);
            """,
            token);

        var check = await move.CheckAsync("Extensions");

        check.MustBe(CheckStatus.Blocked, "\"earthdistance\"", "\"pg_stat_statements\"");
        await move.Target.ExecuteAsync(check.Remedy, token);
        (await move.CheckAsync("Extensions")).MustBe(CheckStatus.Pass);
    }

    [Fact]
    public async Task An_extension_that_only_an_application_could_call_is_a_warning_and_one_that_watches_a_note()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        (await move.CheckAsync("Extensions")).MustBe(CheckStatus.Note, "\"pg_stat_statements\"");
        await move.Source.ExecuteAsync("CREATE EXTENSION dblink SCHEMA public", token);

        var check = await move.CheckAsync("Extensions");
        check.MustBe(CheckStatus.Warning, "\"dblink\"", "\"pg_stat_statements\"");
        Assert.Contains("CREATE EXTENSION \"dblink\" WITH SCHEMA \"public\";", check.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_attempt_to_make_an_extension_leaves_nothing_on_the_target()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsOwnerAsync("CREATE EXTENSION citext SCHEMA heroku_ext", token).ContinueWith(_ => { }, TaskScheduler.Default);
        await move.Source.ExecuteAsync("CREATE EXTENSION IF NOT EXISTS citext SCHEMA heroku_ext", token);

        await ReadinessRunner.RunAsync(move.Options);

        await move.Target.ExecuteAsync(
            "DO $$ BEGIN IF EXISTS (SELECT FROM pg_extension WHERE extname = 'citext') OR to_regnamespace('heroku_ext') IS NOT NULL THEN RAISE 'something was left'; END IF; END $$", token);
    }

    [Fact]
    [Passes("Extensions")]
    public async Task An_extension_that_lies_in_another_schema_of_the_target_blocks_until_the_remedy_was_run()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsync(
            "DROP EXTENSION pg_stat_statements; CREATE EXTENSION citext SCHEMA heroku_ext; CREATE TABLE public.people (email heroku_ext.citext PRIMARY KEY)", token);
        await move.Target.ExecuteAsync("CREATE EXTENSION citext SCHEMA public", token);

        var check = await move.CheckAsync("Extensions");

        check.MustBe(CheckStatus.Blocked, "\"citext\"");
        Assert.Contains("in the schema \"heroku_ext\" on the source, \"public\" on the target", check.Finding, StringComparison.Ordinal);
        await move.Target.ExecuteAsync(check.Remedy, token);
        (await move.CheckAsync("Extensions")).MustBe(CheckStatus.Pass);
    }

    [Fact]
    public async Task A_language_that_the_target_lacks_blocks_until_the_remedy_was_run_with_what_nothing_depends_on()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsync(
            "DROP EXTENSION pg_stat_statements; CREATE EXTENSION plperlu; CREATE FUNCTION public.one() RETURNS int LANGUAGE plperlu AS 'return 1'; CREATE EXTENSION dblink SCHEMA public", token);

        var check = await move.CheckAsync("Extensions");

        check.MustBe(CheckStatus.Blocked, "\"plperlu\"", "\"dblink\"");
        await move.Target.ExecuteAsync(check.Remedy, token);
        (await move.CheckAsync("Extensions")).MustBe(CheckStatus.Pass);
    }

    [Fact]
    public async Task An_extension_of_an_older_version_than_the_target_could_have_is_a_warning_until_the_remedy_was_run()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsync("CREATE EXTENSION hstore SCHEMA heroku_ext", token);
        await move.Target.ExecuteAsync("CREATE SCHEMA heroku_ext; CREATE EXTENSION hstore SCHEMA heroku_ext VERSION '1.4'", token);

        var check = await move.CheckAsync("Extensions");

        check.MustBe(CheckStatus.Warning, "\"hstore\"");
        await move.Target.ExecuteAsync(check.Remedy, token);
        (await move.CheckAsync("Extensions")).MustBe(CheckStatus.Note, "\"pg_stat_statements\"");
    }

    [Fact]
    [Fires("TablesCopiedWhole")]
    public async Task A_table_without_a_key_is_told_with_size_and_reason()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsOwnerAsync("CREATE TABLE public.log (line text); INSERT INTO public.log SELECT repeat('x', 1000) FROM generate_series(1, 1000)", token);

        var check = await move.CheckAsync("TablesCopiedWhole");

        check.MustBe(CheckStatus.Note, "\"public\".\"log\"");
        Assert.Matches(@"1\.\d MB; it has neither a primary key nor a unique index", check.Finding);
    }

    [Fact]
    [Passes("TablesCopiedWhole")]
    public async Task Every_table_with_a_primary_key_is_replayed()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsOwnerAsync("CREATE TABLE public.log (id uuid PRIMARY KEY, line text)", token);

        (await move.CheckAsync("TablesCopiedWhole")).MustBe(CheckStatus.Pass);
    }

    [Fact]
    [Fires("LargeObjects")]
    public async Task Large_objects_are_told_with_their_size_and_block_where_the_role_may_not_act_as_their_owner()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await Owner.ExecuteAsync(move.Source, "SELECT lo_from_bytea(0, 'four'), lo_from_bytea(0, 'six six')", token);
        var told = (await ReadinessRunner.RunAsync(move.Options)).Find("LargeObjects");
        told.MustBe(CheckStatus.Note);
        Assert.Contains("2 large objects, about 11 bytes", told.Finding, StringComparison.Ordinal);

        await move.Target.ExecuteAsync("SELECT lo_create(4711)", token);
        (await ReadinessRunner.RunAsync(move.Options)).Find("LargeObjects").MustBe(CheckStatus.Blocked);
        await move.Target.ExecuteAsync("SELECT lo_unlink(4711)", token);
        await move.Source.ExecuteAsync("SELECT lo_create(4711)", token);
        var blocked = (await ReadinessRunner.RunAsync(move.Options)).Find("LargeObjects");
        blocked.MustBe(CheckStatus.Blocked);
        Assert.Contains("large object 4711", blocked.Finding, StringComparison.Ordinal);
        Assert.Contains("ALTER LARGE OBJECT 4711 OWNER TO", blocked.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    [Fires("ForeignTables")]
    [Fires("InvalidIndexes")]
    public async Task What_is_not_moved_is_a_warning()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsync(
            """
            CREATE FOREIGN DATA WRAPPER nothing; CREATE SERVER elsewhere FOREIGN DATA WRAPPER nothing; CREATE FOREIGN TABLE public.far (id int) SERVER elsewhere;
            CREATE TABLE public.half (id int); CREATE UNIQUE INDEX half_id ON public.half (id);
            UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'public.half_id'::regclass;
            """,
            token);

        var report = await ReadinessRunner.RunAsync(move.Options);

        report.Find("ForeignTables").MustBe(CheckStatus.Warning, "\"public\".\"far\"", "\"elsewhere\"");
        report.Find("InvalidIndexes").MustBe(CheckStatus.Warning, "\"public\".\"half_id\"");
    }

    [Fact]
    [Fires("AllTablesPublications")]
    public async Task A_publication_of_all_tables_blocks_as_captured_changes_could_not_be_deleted()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsync("CREATE PUBLICATION everything FOR ALL TABLES", token);

        var check = await move.CheckAsync("AllTablesPublications");

        check.MustBe(CheckStatus.Blocked, "\"everything\"");
        await move.Source.ExecuteAsync(check.Remedy, token);
        (await move.CheckAsync("AllTablesPublications")).MustBe(CheckStatus.Note);
    }

    [Fact]
    [Passes("PreparedTransactions")]
    [Fires("PreparedTransactions")]
    public async Task A_prepared_transaction_is_a_warning_until_the_remedy_was_run()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsOwnerAsync("CREATE TABLE public.items (id int PRIMARY KEY)", token);
        await using var owner = NpgsqlDataSource.Create(move.Source.ConnectionString);
        await owner.CreateCommand("BEGIN; INSERT INTO public.items VALUES (1); PREPARE TRANSACTION 'it''s open'").ExecuteNonQueryAsync(token);

        var check = await move.CheckAsync("PreparedTransactions");

        // A command of its own for each statement: ROLLBACK PREPARED refuses company.
        await owner.CreateCommand(check.Remedy).ExecuteNonQueryAsync(token);
        check.MustBe(CheckStatus.Warning);
        Assert.Contains("'it''s open'", check.Finding, StringComparison.Ordinal);
        (await move.CheckAsync("PreparedTransactions")).MustBe(CheckStatus.Pass);
    }

    [Fact]
    [Fires("WraparoundVacuum")]
    public async Task A_table_that_a_wraparound_vacuum_is_due_on_is_a_warning()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsOwnerAsync("CREATE TABLE public.old (id int PRIMARY KEY) WITH (autovacuum_enabled = off)", token);
        await move.Source.ExecuteAsync("UPDATE pg_class SET relfrozenxid = ((relfrozenxid::text::bigint + 4294967296 - 199000000) % 4294967296)::text::xid WHERE oid = 'public.old'::regclass", token);

        var check = await move.CheckAsync("WraparoundVacuum");

        check.MustBe(CheckStatus.Warning, "\"public\".\"old\"");
    }
}
