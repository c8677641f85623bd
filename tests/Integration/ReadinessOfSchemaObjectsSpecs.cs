using HerokuMigrator.Catalog;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>Objects of a schema that stop a start, or are met in another shape on the target.</summary>
public sealed class ReadinessOfSchemaObjectsSpecs(LabPair lab)
{
    [Fact]
    [Fires("AlwaysTriggers")]
    [Fires("DisabledTriggers")]
    [Fires("GeneratedAndIdentity")]
    [Fires("Inheritance")]
    [Fires("MaterializedViews")]
    [Fires("NotValidConstraints")]
    [Fires("Partitioned")]
    [Fires("UnloggedTables")]
    public async Task What_is_moved_in_a_way_of_its_own_is_a_note()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsOwnerAsync(
            """
            CREATE SCHEMA "Käse.Bröt"; SET search_path = "Käse.Bröt";
            CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
            CREATE TABLE people (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, twice int GENERATED ALWAYS AS (1 + 1) STORED, age int);
            CREATE TRIGGER always BEFORE UPDATE ON people FOR EACH ROW EXECUTE FUNCTION touch(); ALTER TABLE people ENABLE ALWAYS TRIGGER always;
            CREATE TRIGGER never BEFORE UPDATE ON people FOR EACH ROW EXECUTE FUNCTION touch(); ALTER TABLE people DISABLE TRIGGER never;
            ALTER TABLE people ADD CONSTRAINT "is grown" CHECK (age >= 18) NOT VALID;
            CREATE TABLE heirs () INHERITS (people);
            CREATE MATERIALIZED VIEW old AS SELECT * FROM people; CREATE MATERIALIZED VIEW unfilled AS SELECT * FROM people WITH NO DATA;
            CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE part PARTITION OF parts DEFAULT;
            CREATE UNLOGGED TABLE scratch (id int PRIMARY KEY);
            """,
            token);

        var report = await ReadinessRunner.RunAsync(
            move.Options,
            new ReadinessOptions { Include = ["AlwaysTriggers", "DisabledTriggers", "GeneratedAndIdentity", "Inheritance", "MaterializedViews", "NotValidConstraints", "Partitioned", "UnloggedTables"] });

        const string schema = "\"Käse.Bröt\".";
        report.Find("AlwaysTriggers").MustBe(CheckStatus.Note, schema + "\"people\"");
        report.Find("DisabledTriggers").MustBe(CheckStatus.Note, schema + "\"people\".\"never\"");
        report.Find("GeneratedAndIdentity").MustBe(CheckStatus.Note, schema + "\"heirs\"", schema + "\"people\"");
        report.Find("Inheritance").MustBe(CheckStatus.Note, schema + "\"people\"");
        report.Find("MaterializedViews").MustBe(CheckStatus.Note, schema + "\"old\"", schema + "\"unfilled\"");
        Assert.Contains("left so: \"Käse.Bröt\".\"unfilled\"", report.Find("MaterializedViews").Finding, StringComparison.Ordinal);
        report.Find("Partitioned").MustBe(CheckStatus.Note, schema + "\"parts\"");
        report.Find("UnloggedTables").MustBe(CheckStatus.Note, schema + "\"scratch\"");
        report.Find("NotValidConstraints").MustBe(CheckStatus.Note, schema + "\"people\".\"is grown\"");
        await move.Source.ExecuteAsync(report.Find("NotValidConstraints").Remedy, token);
        (await move.CheckAsync("NotValidConstraints")).MustBe(CheckStatus.Pass);
    }

    [Fact]
    public async Task A_foreign_key_that_is_not_enforced_is_a_warning_until_the_remedy_was_run()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsOwnerAsync("CREATE TABLE public.a (id int PRIMARY KEY); CREATE TABLE public.b (id int PRIMARY KEY, a int CONSTRAINT \"to a\" REFERENCES public.a)", token);
        await move.Source.ExecuteAsync(
            """
            CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER "Off;" BEFORE UPDATE ON public.b FOR EACH ROW EXECUTE FUNCTION public.touch();
            ALTER TABLE public.b DISABLE TRIGGER ALL; ALTER TABLE public.a DISABLE TRIGGER ALL;
            """,
            token);

        var check = await move.CheckAsync("DisabledTriggers");

        check.MustBe(CheckStatus.Warning, "\"public\".\"a\".\"to a\"", "\"public\".\"b\".\"to a\"");
        await move.Source.ExecuteAsync(check.Remedy, token);
        // What somebody has disabled on purpose stays so.
        (await move.CheckAsync("DisabledTriggers")).MustBe(CheckStatus.Note, "\"public\".\"b\".\"Off;\"");
    }

    [Fact]
    [Fires("EventTriggers")]
    public async Task Event_triggers_are_a_warning_with_the_statements_that_a_superuser_needs()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        const string function = "CREATE FUNCTION public.watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'";
        await move.Source.ExecuteAsync(
            function + "; CREATE EVENT TRIGGER \"Watch it\" ON ddl_command_start WHEN TAG IN ('DROP TABLE') EXECUTE FUNCTION public.watch(); ALTER EVENT TRIGGER \"Watch it\" DISABLE", token);

        var check = await move.CheckAsync("EventTriggers");

        check.MustBe(CheckStatus.Warning, "\"Watch it\"");
        await move.Target.ExecuteAsync(function + "; " + check.Remedy, token);
        Assert.Equal("D", await move.AskTargetAsync<string>("SELECT evtenabled::text FROM pg_event_trigger WHERE evtname = 'Watch it' AND evttags = '{DROP TABLE}'", token));
    }

    [Fact]
    [Fires("RowSecurityPolicies")]
    public async Task Policies_for_a_role_that_the_target_lacks_block_until_the_remedy_was_run()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        var role = SqlName.Quote(move.Source.Credential.Name);
        await move.Source.ExecuteAsOwnerAsync($"CREATE TABLE public.mine (id int PRIMARY KEY); ALTER TABLE public.mine ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON public.mine TO {role} USING (true)", token);

        var check = await move.CheckAsync("RowSecurityPolicies");

        check.MustBe(CheckStatus.Blocked, "\"public\".\"mine\"");
        await move.Target.ExecuteAsync(check.Remedy, token);
        (await move.CheckAsync("RowSecurityPolicies")).MustBe(CheckStatus.Note, "\"public\".\"mine\"");
        await move.Target.ExecuteAsync($"DROP ROLE {role}", token);
    }

    [Fact]
    public async Task User_mappings_of_a_role_that_the_target_lacks_block_until_the_remedy_was_run()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsync(
            $"""
            CREATE EXTENSION postgres_fdw SCHEMA public; CREATE SERVER "Far away" FOREIGN DATA WRAPPER postgres_fdw; CREATE USER MAPPING FOR PUBLIC SERVER "Far away";
            CREATE USER MAPPING FOR {SqlName.Quote(move.Source.Reader.Name)} SERVER "Far away" OPTIONS (user 'x');
            """,
            token);

        var check = await move.CheckAsync("ForeignTables");

        check.MustBe(CheckStatus.Blocked, "\"Far away\"");
        await move.Source.ExecuteAsync(check.Remedy.Split("-- or")[0], token);
        (await move.CheckAsync("ForeignTables")).MustBe(CheckStatus.Warning, "\"Far away\"");
    }

    [Fact]
    public async Task Foreign_servers_of_a_wrapper_that_the_targets_role_may_not_use_block_until_the_remedy_was_run()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsync("""CREATE EXTENSION postgres_fdw SCHEMA public; CREATE SERVER "Far;""away" FOREIGN DATA WRAPPER postgres_fdw""", token);
        await move.Target.ExecuteAsync("CREATE EXTENSION postgres_fdw SCHEMA public", token);

        var check = await move.CheckAsync("ForeignTables");

        check.MustBe(CheckStatus.Blocked, "\"Far;\"\"away\"");
        await move.Target.ExecuteAsync(check.Remedy, token);
        (await move.CheckAsync("ForeignTables")).MustBe(CheckStatus.Warning, "\"Far;\"\"away\"");
    }

    [Fact]
    public async Task A_base_type_blocks_once_with_its_functions_and_casts_until_the_remedy_was_run()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsync(
            """
            CREATE TYPE public."Sh;""ell"; CREATE FUNCTION public.read(cstring) RETURNS public."Sh;""ell" LANGUAGE internal IMMUTABLE STRICT AS 'textin';
            CREATE FUNCTION public.print(public."Sh;""ell") RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
            CREATE TYPE public."Sh;""ell" (INPUT = public.read, OUTPUT = public.print, LIKE = text); CREATE CAST (text AS public."Sh;""ell") WITHOUT FUNCTION;
            """,
            token);

        var check = await move.CheckAsync("SuperuserObjects");

        check.MustBe(CheckStatus.Blocked, "(text AS public.\"Sh;\"\"ell\")", "public.\"Sh;\"\"ell\"");
        (await move.CheckAsync("UntrustedFunctions")).MustBe(CheckStatus.Pass);
        await move.Source.ExecuteAsync(check.Remedy, token);
        (await move.CheckAsync("SuperuserObjects")).MustBe(CheckStatus.Pass);
    }

    [Fact]
    public async Task What_a_failed_reindex_has_left_is_dropped_by_the_remedy_and_what_it_was_to_replace_is_made_valid()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsync(
            """
            CREATE TABLE public.t (id int PRIMARY KEY, a int); CREATE INDEX "In;""v" ON public.t (a); CREATE INDEX "In;""v_ccnew1" ON public.t (a);
            UPDATE pg_index SET indisvalid = false WHERE indexrelid::regclass::text LIKE '%In;%';
            """,
            token);

        var check = await move.CheckAsync("InvalidIndexes");

        check.MustBe(CheckStatus.Warning, "\"public\".\"In;\"\"v\"", "\"public\".\"In;\"\"v_ccnew1\"");
        foreach (var statement in check.Remedy.Split('\n'))
        {
            // A command of its own for each, as psql sends them: CONCURRENTLY refuses company.
            await move.Source.ExecuteAsync(statement, token);
        }

        (await move.CheckAsync("InvalidIndexes")).MustBe(CheckStatus.Pass);
    }

    [Fact]
    [Fires("UntrustedFunctions")]
    [Fires("SuperuserObjects")]
    public async Task What_only_a_superuser_may_make_blocks_until_the_remedy_was_run()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsync(
            """
            CREATE FUNCTION public."Up"(text) RETURNS text LANGUAGE internal IMMUTABLE AS 'upper';
            CREATE FUNCTION public.quiet(int) RETURNS int LANGUAGE sql LEAKPROOF AS 'SELECT 1';
            CREATE OPERATOR CLASS public.backwards FOR TYPE int USING btree AS OPERATOR 1 >, OPERATOR 3 =, FUNCTION 1 btint4cmp(int, int);
            CREATE CAST (text AS json) WITH INOUT;
            CREATE TYPE public.uuids AS RANGE (subtype = uuid);
            CREATE TYPE public.mood AS ENUM ('well'); CREATE CAST (text AS public.mood) WITH INOUT AS IMPLICIT;
            """,
            token);

        var untrusted = await move.CheckAsync("UntrustedFunctions");
        var superuser = await move.CheckAsync("SuperuserObjects");

        untrusted.MustBe(CheckStatus.Blocked, "\"public\".\"Up\"(text)");
        superuser.MustBe(CheckStatus.Blocked, "(text AS json)", "public.backwards USING btree", "public.backwards USING btree", "public.quiet(integer)");
        var (onTarget, onSource) = (superuser.Remedy.Split("-- on the source")[0], superuser.Remedy.Split("-- on the source, where nothing needs them:")[1]);
        await move.Target.ExecuteAsync(onTarget, token);
        await move.Source.ExecuteAsync(untrusted.Remedy + onSource.Replace("DROP OPERATOR CLASS public.backwards USING btree;", "", StringComparison.Ordinal), token);
        (await move.CheckAsync("UntrustedFunctions")).MustBe(CheckStatus.Pass);
        (await move.CheckAsync("SuperuserObjects")).MustBe(CheckStatus.Pass);
    }

    [Fact]
    [Fires("TableStorage")]
    [Fires("SecurityLabels")]
    public async Task Where_and_how_tables_are_stored_and_labels_are_notes()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsync(
            """
            CREATE ACCESS METHOD other TYPE TABLE HANDLER heap_tableam_handler; CREATE TABLE public.elsewhere (id int PRIMARY KEY) USING other;
            INSERT INTO pg_seclabel (objoid, classoid, objsubid, provider, label) VALUES ('public.elsewhere'::regclass, 'pg_class'::regclass, 0, 'anon', 'MASKED');
            """,
            token);

        (await move.CheckAsync("TableStorage")).MustBe(CheckStatus.Note, "\"public\".\"elsewhere\"");
        (await move.CheckAsync("SecurityLabels")).MustBe(CheckStatus.Note, "table public.elsewhere (provider \"anon\")");
    }

    [Fact]
    [Fires("SearchPathDependents")]
    public async Task What_is_computed_by_functions_that_rest_on_the_search_path_is_told_until_the_remedy_was_run()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsOwnerAsync(
            """
            SET search_path = public; SET check_function_bodies = off;
            CREATE FUNCTION "Plain"(t text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT lower($1)';
            CREATE FUNCTION outer_one(t text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN /* public.x */ RETURN public.inner_one(t); END';
            CREATE FUNCTION inner_one(t text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $f$ BEGIN RETURN "Plain" (t) || 'calls innocent()'; END $f$;
            CREATE FUNCTION innocent(t text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $f$ BEGIN RETURN public."Plain"(t) || 'calls inner_one()'; END $f$;
            CREATE FUNCTION pinned(t text) RETURNS text LANGUAGE plpgsql IMMUTABLE SET search_path = public AS 'BEGIN RETURN inner_one(t); END';
            CREATE TABLE people (id int PRIMARY KEY, name text CHECK (innocent(name) <> ''), shape text GENERATED ALWAYS AS (outer_one('x')) STORED);
            CREATE INDEX "by Name" ON people (outer_one(name)); CREATE INDEX by_innocent ON people (innocent(name), lower(name));
            CREATE VIEW between AS SELECT inner_one(name) AS n FROM people; CREATE MATERIALIZED VIEW seen AS SELECT * FROM between;
            """,
            token);

        var check = await move.CheckAsync("SearchPathDependents");

        check.MustBe(CheckStatus.Note, "\"public\".\"people\".\"shape\"", "\"public\".\"by Name\"", "\"public\".\"seen\"");
        Assert.Contains("\"public\".\"inner_one\"(t text) names Plain without its schema", check.Finding, StringComparison.Ordinal);
        await move.Source.ExecuteAsOwnerAsync(check.Remedy, token);
        (await move.CheckAsync("SearchPathDependents")).MustBe(CheckStatus.Pass);
    }

    [Fact]
    [Fires("ChecksOnOtherTables")]
    public async Task A_check_that_reads_another_table_is_a_warning_until_the_remedy_was_run()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsOwnerAsync(
            """
            CREATE TABLE public."Käse.Bröt" (kind text PRIMARY KEY);
            CREATE FUNCTION public.known(k text) RETURNS bool LANGUAGE sql STABLE AS 'SELECT EXISTS (SELECT FROM public."Käse.Bröt" WHERE kind = k)';
            CREATE TABLE public.orders (id int PRIMARY KEY, kind text CONSTRAINT "is known" CHECK (public.known(kind)), at date CHECK (extract(year FROM at) > 2000));
            """,
            token);

        var check = await move.CheckAsync("ChecksOnOtherTables");

        check.MustBe(CheckStatus.Warning, "\"public\".\"orders\".\"is known\"");
        await move.Source.ExecuteAsOwnerAsync(check.Remedy, token);
        (await move.CheckAsync("ChecksOnOtherTables")).MustBe(CheckStatus.Pass);
    }

    [Fact]
    [Fires("SourceLeftovers")]
    public async Task A_schema_of_another_Bucardo_blocks_until_the_remedy_was_run()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsync("CREATE SCHEMA bucardo", token);

        var check = await move.CheckAsync("SourceLeftovers");

        check.MustBe(CheckStatus.Blocked, "bucardo");
        await move.Source.ExecuteAsync(check.Remedy, token);
        (await move.CheckAsync("SourceLeftovers")).MustBe(CheckStatus.Pass);
    }
}
