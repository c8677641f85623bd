using HerokuMigrator.Catalog;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>What belongs to a database and is not in its schema: privileges, settings, jobs, followers.</summary>
public sealed class ReadinessOfWhatIsNotCarriedSpecs(LabPair lab)
{
    [Fact]
    [Fires("GrantsToCarry")]
    public async Task Privileges_of_other_roles_are_a_warning_until_the_remedy_was_run_on_the_target()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        var (writer, reader) = (SqlName.Quote(move.Source.Credential.Name), SqlName.Quote(move.Source.Reader.Name));
        const string schema = """
            CREATE SCHEMA "Back Office"; CREATE TABLE "Back Office"."a b" (id serial PRIMARY KEY, secret text); CREATE TABLE "Back Office".c (id int PRIMARY KEY);
            CREATE VIEW "Back Office".v AS SELECT 1 AS one; CREATE TABLE public.t (id int PRIMARY KEY); CREATE TABLE public.other (id int PRIMARY KEY);
            CREATE FUNCTION public.admin(a int, b text DEFAULT 'x') RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END';
            """;
        await move.Source.ExecuteAsOwnerAsync(
            schema + $"""
            GRANT USAGE ON SCHEMA "Back Office" TO {writer}, {reader}; GRANT SELECT ON ALL TABLES IN SCHEMA "Back Office" TO {writer} WITH GRANT OPTION;
            GRANT SELECT (id), UPDATE (secret) ON "Back Office"."a b" TO {reader}; GRANT INSERT, UPDATE ON public.t TO {reader}; GRANT SELECT ON public.t TO PUBLIC;
            GRANT USAGE ON SEQUENCE "Back Office"."a b_id_seq" TO {writer};
            REVOKE EXECUTE ON FUNCTION public.admin(int, text) FROM PUBLIC; GRANT EXECUTE ON FUNCTION public.admin(int, text) TO {writer};
            ALTER DEFAULT PRIVILEGES IN SCHEMA "Back Office" GRANT SELECT ON TABLES TO {reader}; ALTER DEFAULT PRIVILEGES GRANT USAGE ON SEQUENCES TO {writer};
            """,
            token);

        var check = await move.CheckAsync("GrantsToCarry");

        check.MustBe(CheckStatus.Warning, [.. new[] { writer, reader }.Order(StringComparer.Ordinal), "\"public\".\"admin\"(a integer, b text)"]);
        Assert.Contains($"GRANT SELECT ON ALL TABLES IN SCHEMA \"Back Office\" TO {writer} WITH GRANT OPTION;", check.Remedy, StringComparison.Ordinal);
        await move.Target.ExecuteAsOwnerAsync("CREATE SCHEMA heroku_ext; " + schema, token);
        await move.Target.ExecuteAsOwnerAsync(check.Remedy, token);
        var after = await move.CheckAsync("GrantsToCarry");
        await move.Target.ExecuteAsync($"DROP OWNED BY {writer}, {reader}; DROP ROLE {writer}, {reader}", token);
        after.MustBe(CheckStatus.Pass);
    }

    [Fact]
    [Fires("DatabaseSettings")]
    [Passes("DatabaseSettings")]
    public async Task Settings_of_the_database_and_the_role_are_a_warning_until_the_remedy_was_run_on_the_target()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsync(
            $"""
            ALTER DATABASE {SqlName.Quote(move.Source.Name)} SET "app.Motto" = 'it''s \ done';
            ALTER ROLE {SqlName.Quote(move.Source.Owner.Name)} SET "TimeZone" = 'Europe/Berlin';
            """,
            token);

        var check = await move.CheckAsync("DatabaseSettings");

        check.MustBe(CheckStatus.Warning, "app.Motto", "search_path", "TimeZone", "idle_in_transaction_session_timeout");
        Assert.Contains("SET \"search_path\" = \"$user\", public, heroku_ext;", check.Remedy, StringComparison.Ordinal);
        await move.Target.ExecuteAsync(check.Remedy, token);
        (await move.CheckAsync("DatabaseSettings")).MustBe(CheckStatus.Pass);
    }

    [Fact]
    public async Task A_setting_that_the_target_has_by_its_server_is_none_to_carry_and_one_that_cuts_sessions_is_carried_after_the_switch()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsync(
            $"""
            ALTER ROLE {SqlName.Quote(move.Source.Owner.Name)} RESET ALL; ALTER ROLE {SqlName.Quote(move.Source.Owner.Name)} IN DATABASE {SqlName.Quote(move.Source.Name)} RESET ALL; ALTER DATABASE {SqlName.Quote(move.Source.Name)} RESET ALL;
            ALTER DATABASE {SqlName.Quote(move.Source.Name)} SET "TimeZone" = 'GMT'; ALTER DATABASE {SqlName.Quote(move.Source.Name)} SET idle_session_timeout = '3h';
            """,
            token);
        await move.Target.ExecuteAsync($"ALTER ROLE {SqlName.Quote(move.Target.Owner.Name)} SET \"TimeZone\" = 'GMT'", token);

        var check = await move.CheckAsync("DatabaseSettings");

        check.MustBe(CheckStatus.Warning, "idle_session_timeout");
        Assert.StartsWith("-- on the target, after the switch only", check.Remedy, StringComparison.Ordinal);
        (await move.CheckAsync("TargetSettings")).MustBe(CheckStatus.Pass);
    }

    [Fact]
    [Fires("LogicalReplication")]
    public async Task Publications_slots_and_subscriptions_are_a_warning()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        const string table = "CREATE TABLE public.\"It's\" (id int PRIMARY KEY); CREATE SCHEMA \"a;\"\"b\"; CREATE TABLE \"a;\"\"b\".t (\"Ke;\"\"y\" int PRIMARY KEY, v int)";
        await move.Source.ExecuteAsync(
            table + """
            ; CREATE PUBLICATION "to follow" FOR TABLE public."It's", TABLES IN SCHEMA "a;""b" WITH (publish = 'insert');
            CREATE PUBLICATION "Part;s" FOR TABLE "a;""b".t ("Ke;""y") WHERE (v > 1) WITH (publish_via_partition_root); CREATE SUBSCRIPTION idle CONNECTION 'dbname=nowhere' PUBLICATION p WITH (connect = false)
            """,
            token);

        var check = await move.CheckAsync("LogicalReplication");

        check.MustBe(CheckStatus.Warning, "\"Part;s\"", "\"to follow\"", "\"idle\"");
        await move.Target.ExecuteAsync(table + "; " + check.Remedy, token);
        Assert.True(await move.AskTargetAsync<bool>("SELECT pubinsert AND NOT pubupdate FROM pg_publication WHERE pubname = 'to follow'", token));
        Assert.Equal("a;\"b.It's", await move.AskTargetAsync<string>(
            """
            SELECT string_agg(n.nspname, '.' ORDER BY 1) || (SELECT '.' || c.relname FROM pg_publication_rel r JOIN pg_class c ON c.oid = r.prrelid WHERE r.prpubid = p.oid)
            FROM pg_publication p JOIN pg_publication_namespace s ON s.pnpubid = p.oid JOIN pg_namespace n ON n.oid = s.pnnspid WHERE pubname = 'to follow' GROUP BY p.oid
            """,
            token));
        Assert.True(await move.AskTargetAsync<bool>("SELECT p.pubviaroot AND r.prattrs::text = '1' FROM pg_publication p JOIN pg_publication_rel r ON r.prpubid = p.oid WHERE pubname = 'Part;s'", token));
        Assert.Contains("/* and its filter: WHERE (…) */", check.Remedy, StringComparison.Ordinal);
        await move.Source.ExecuteAsync("ALTER SUBSCRIPTION idle SET (slot_name = NONE); DROP SUBSCRIPTION idle", token);
    }

    [Fact]
    [Fires("CaptureBypassed")]
    public async Task Writes_that_fire_no_trigger_block_until_the_remedy_was_run()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsync(
            $"""
            ALTER ROLE {SqlName.Quote(move.Source.Credential.Name)} IN DATABASE {SqlName.Quote(move.Source.Name)} SET session_replication_role = replica;
            CREATE SUBSCRIPTION "From afar" CONNECTION 'dbname=nowhere' PUBLICATION p WITH (connect = false, slot_name = NONE);
            UPDATE pg_subscription SET subenabled = true WHERE subname = 'From afar';
            """,
            token);

        var check = await move.CheckAsync("CaptureBypassed");

        check.MustBe(CheckStatus.Blocked, "\"From afar\"", $"ROLE {SqlName.Quote(move.Source.Credential.Name)} IN DATABASE {SqlName.Quote(move.Source.Name)}");
        await move.Source.ExecuteAsync(check.Remedy, token);
        (await move.CheckAsync("CaptureBypassed")).MustBe(CheckStatus.Pass);
        await move.Source.ExecuteAsync("DROP SUBSCRIPTION \"From afar\"", token);
    }

    [Fact]
    public async Task A_function_that_turns_triggers_off_is_a_warning()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsOwnerAsync("CREATE FUNCTION public.bulk() RETURNS void LANGUAGE plpgsql AS 'BEGIN ALTER TABLE t DISABLE TRIGGER ALL; END'", token);

        (await move.CheckAsync("CaptureBypassed")).MustBe(CheckStatus.Warning, "\"public\".\"bulk\"()");
    }

    [Fact]
    [Fires("ExtensionTableRows")]
    public async Task Rows_in_a_table_of_an_extension_that_the_target_has_not_are_a_warning()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsync(
            """
            CREATE EXTENSION citext SCHEMA public; CREATE TABLE public.settings (id int, own bool); INSERT INTO public.settings VALUES (1, true), (2, false);
            GRANT SELECT ON public.settings TO PUBLIC; ALTER EXTENSION citext ADD TABLE public.settings;
            UPDATE pg_extension SET extconfig = ARRAY['public.settings'::regclass], extcondition = ARRAY['WHERE own'] WHERE extname = 'citext';
            """,
            token);

        var check = await move.CheckAsync("ExtensionTableRows");

        check.MustBe(CheckStatus.Warning, "\"public\".\"settings\"");
        Assert.Contains("of citext (1 row; the target's version of the extension has no such table)", check.Finding, StringComparison.Ordinal);
        Assert.All(check.Remedy.Split('\n'), line => Assert.True(line.StartsWith("-- ", StringComparison.Ordinal) || line.StartsWith("\\copy ", StringComparison.Ordinal), line));
        await move.Source.ExecuteAsync("DELETE FROM public.settings WHERE own", token);
        (await move.CheckAsync("ExtensionTableRows")).MustBe(CheckStatus.Pass);
    }

    [Fact]
    [Fires("PartitionMaintenance")]
    public async Task Partitions_that_will_soon_be_needed_are_a_warning_until_the_remedy_was_run()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsOwnerAsync(
            """
            CREATE TABLE public.events (id int, at timestamptz) PARTITION BY RANGE (at);
            CREATE TABLE public.old (id int, at date) PARTITION BY RANGE (at); CREATE TABLE public.old_2001 PARTITION OF public.old FOR VALUES FROM ('2001-01-01') TO ('2002-01-01');
            DO $$ BEGIN FOR d IN -1..1 LOOP
                EXECUTE format('CREATE TABLE public.%I PARTITION OF public.events FOR VALUES FROM (%L) TO (%L)', 'events p' || to_char(current_date + d, 'YYYYMMDD'), (current_date + d)::timestamp, (current_date + d + 1)::timestamp);
            END LOOP; END $$;
            """,
            token);

        var check = await move.CheckAsync("PartitionMaintenance");

        check.MustBe(CheckStatus.Warning, "\"public\".\"events\"");
        await move.Source.ExecuteAsOwnerAsync("SET TimeZone = 'Pacific/Auckland'; " + check.Remedy, token);
        (await move.CheckAsync("PartitionMaintenance")).MustBe(CheckStatus.Pass);
    }

    [Fact]
    public async Task Jobs_that_make_partitions_are_a_warning()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        // The shape of pg_cron's table; the extension itself needs its library preloaded.
        await move.Source.ExecuteAsOwnerAsync(
            "CREATE SCHEMA cron; CREATE TABLE cron.job (jobid int PRIMARY KEY, command text); INSERT INTO cron.job VALUES (1, 'VACUUM'), (2, 'SELECT make_partitions()')", token);

        (await move.CheckAsync("PartitionMaintenance")).MustBe(CheckStatus.Warning, "cron job: SELECT make_partitions()");
    }
}
