using HerokuMigrator.Catalog;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>Each thing that is wrong is found, and the remedy that is told mends it.</summary>
public sealed class ReadinessOfPermissionsSpecs(LabPair lab)
{
    [Fact]
    [Fires("TablesOwned")]
    [Passes("TablesOwned")]
    public async Task Tables_of_another_role_block_until_the_remedy_was_run()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        var other = SqlName.Quote(move.Source.Credential.Name);
        await move.Source.ExecuteAsync(
            $"""
            CREATE TABLE public."Odd ""name" (id int PRIMARY KEY); ALTER TABLE public."Odd ""name" OWNER TO {other};
            CREATE SEQUENCE public.numbers; CREATE TABLE public.mine (id int PRIMARY KEY);
            ALTER TABLE public.mine OWNER TO {SqlName.Quote(move.Source.Owner.Name)};
            """,
            token);

        var check = await move.CheckAsync("TablesOwned");

        check.MustBe(CheckStatus.Blocked, "\"public\".\"Odd \"\"name\"", "\"public\".\"numbers\"");
        // The same tables are not told of twice.
        (await move.CheckAsync("TablePrivileges")).MustBe(CheckStatus.Pass);
        await move.Source.ExecuteAsync(check.Remedy, token);
        (await move.CheckAsync("TablesOwned")).MustBe(CheckStatus.Pass);
    }

    [Fact]
    [Fires("SourceCanCreateSchema")]
    [Passes("SourceCanCreateSchema")]
    public async Task A_source_where_no_schema_can_be_made_blocks_until_the_remedy_was_run()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        var (database, role) = (SqlName.Quote(move.Source.Name), SqlName.Quote(move.Source.Owner.Name));
        await move.Source.ExecuteAsync($"ALTER DATABASE {database} OWNER TO postgres; GRANT CONNECT ON DATABASE {database} TO {role}", token);

        var report = await ReadinessRunner.RunAsync(move.Options);

        report.Find("SourceCanCreateTrigger").MustBe(CheckStatus.Skipped);
        report.Find("SourceCanCreateSchema").MustBe(CheckStatus.Blocked);
        await move.Source.ExecuteAsync(report.Find("SourceCanCreateSchema").Remedy, token);
        (await move.CheckAsync("SourceCanCreateSchema")).MustBe(CheckStatus.Pass);
    }

    [Fact]
    [Fires("SourceCanCreateTrigger")]
    public async Task An_event_trigger_that_refuses_triggers_blocks_and_the_attempt_leaves_nothing()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsync(
            """
            CREATE FUNCTION public.refuse() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION $m$no triggers here$m$; END';
            CREATE EVENT TRIGGER refuse ON ddl_command_start WHEN TAG IN ('CREATE TRIGGER') EXECUTE FUNCTION public.refuse();
            """,
            token);

        var report = await ReadinessRunner.RunAsync(move.Options);

        report.Find("SourceCanCreateTrigger").MustBe(CheckStatus.Blocked);
        Assert.Contains("no triggers here", report.Find("SourceCanCreateTrigger").Finding, StringComparison.Ordinal);
        report.Find("EventTriggers").MustBe(CheckStatus.Warning, "\"refuse\"");
        await move.Source.ExecuteAsync(
            "DO $$ BEGIN IF EXISTS (SELECT FROM pg_namespace WHERE nspname LIKE 'heroku_migrator%') THEN RAISE 'something was left'; END IF; END $$", token);
    }

    [Fact]
    [Fires("TablePrivileges")]
    [Passes("TablePrivileges")]
    public async Task Missing_privileges_on_own_tables_block_until_the_remedy_was_run()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsOwnerAsync(
            "CREATE TABLE public.secret (id int PRIMARY KEY); REVOKE SELECT, TRIGGER ON public.secret FROM CURRENT_USER", token);

        var check = await move.CheckAsync("TablePrivileges");

        check.MustBe(CheckStatus.Blocked, "\"public\".\"secret\"");
        await move.Source.ExecuteAsOwnerAsync(check.Remedy, token);
        (await move.CheckAsync("TablePrivileges")).MustBe(CheckStatus.Pass);
    }

    [Fact]
    [Fires("WritersBeyondRevoke")]
    [Passes("WritersBeyondRevoke")]
    public async Task A_writer_that_no_revoke_stops_is_a_warning_until_the_remedy_was_run()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsync($"GRANT pg_write_all_data TO {SqlName.Quote(move.Source.Credential.Name)}", token);

        var check = await move.CheckAsync("WritersBeyondRevoke");

        check.MustBe(CheckStatus.Warning);
        Assert.Contains(move.Source.Credential.Name, check.Finding, StringComparison.Ordinal);
        await move.Source.ExecuteAsync(check.Remedy, token);
        (await move.CheckAsync("WritersBeyondRevoke")).MustBe(CheckStatus.Pass);
    }

    [Fact]
    [Fires("TargetReplicationRole")]
    [Passes("TargetReplicationRole")]
    public async Task A_target_role_that_may_not_set_the_replication_role_blocks_until_the_remedy_was_run()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Target.ExecuteAsync($"REVOKE SET ON PARAMETER session_replication_role FROM {SqlName.Quote(move.Target.Owner.Name)}", token);

        var check = await move.CheckAsync("TargetReplicationRole");

        check.MustBe(CheckStatus.Blocked);
        await move.Target.ExecuteAsync(check.Remedy, token);
        (await move.CheckAsync("TargetReplicationRole")).MustBe(CheckStatus.Pass);
    }

    [Fact]
    [Fires("TargetCanCreate")]
    [Passes("TargetCanCreate")]
    public async Task A_target_schema_that_is_closed_blocks_until_the_remedy_was_run()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsOwnerAsync("CREATE TABLE public.items (id int PRIMARY KEY); CREATE SCHEMA \"Back Office\"; CREATE TABLE \"Back Office\".desks (id int PRIMARY KEY)", token);
        await move.Target.ExecuteAsync("CREATE SCHEMA \"Back Office\"; DROP SCHEMA public", token);

        var check = await move.CheckAsync("TargetCanCreate");

        check.MustBe(CheckStatus.Blocked, "\"public\"", "\"Back Office\"");
        await move.Target.ExecuteAsync(check.Remedy, token);
        (await move.CheckAsync("TargetCanCreate")).MustBe(CheckStatus.Pass);
    }

    [Fact]
    [Fires("RowSecurityBypass")]
    [Passes("RowSecurityBypass")]
    public async Task Policies_that_bind_the_owner_block_until_the_remedy_was_run()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsOwnerAsync(
            """
            CREATE TABLE public.enabled (id int PRIMARY KEY); ALTER TABLE public.enabled ENABLE ROW LEVEL SECURITY;
            CREATE TABLE public.forced (id int PRIMARY KEY); ALTER TABLE public.forced ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
            """,
            token);

        var check = await move.CheckAsync("RowSecurityBypass");

        check.MustBe(CheckStatus.Blocked, "\"public\".\"forced\"");
        await move.Source.ExecuteAsOwnerAsync(check.Remedy, token);
        (await move.CheckAsync("RowSecurityBypass")).MustBe(CheckStatus.Pass);
    }

    [Fact]
    public async Task Forced_policies_that_the_source_bypasses_and_the_target_does_not_are_a_warning()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsync($"ALTER ROLE {SqlName.Quote(move.Source.Owner.Name)} BYPASSRLS", token);
        await move.Target.ExecuteAsync($"ALTER ROLE {SqlName.Quote(move.Target.Owner.Name)} NOBYPASSRLS", token);
        await move.Source.ExecuteAsOwnerAsync(
            "CREATE TABLE public.forced (id int PRIMARY KEY); ALTER TABLE public.forced ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY", token);

        (await move.CheckAsync("RowSecurityBypass")).MustBe(CheckStatus.Warning, "\"public\".\"forced\"");
    }

    [Fact]
    public async Task Tables_of_an_owner_whose_rights_the_role_does_not_inherit_block_until_the_remedy_was_run()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        var (role, other) = (SqlName.Quote(move.Source.Owner.Name), SqlName.Quote(move.Source.Credential.Name));
        await move.Source.ExecuteAsync(
            $"CREATE TABLE public.theirs (id int PRIMARY KEY); ALTER TABLE public.theirs OWNER TO {other}; GRANT {other} TO {role}; ALTER ROLE {role} NOINHERIT", token);

        var check = await move.CheckAsync("TablesOwned");

        check.MustBe(CheckStatus.Blocked, "\"public\".\"theirs\"");
        Assert.Contains("does not inherit", check.Finding, StringComparison.Ordinal);
        await move.Source.ExecuteAsync(check.Remedy, token);
        (await move.CheckAsync("TablesOwned")).MustBe(CheckStatus.Pass);
    }

    [Fact]
    [Fires("WriteRoles")]
    [Passes("WriteRoles")]
    public async Task Other_roles_that_write_are_a_note_that_counts_their_tables()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        var (credential, reader) = (SqlName.Quote(move.Source.Credential.Name), SqlName.Quote(move.Source.Reader.Name));
        await move.Source.ExecuteAsOwnerAsync(
            $"CREATE TABLE public.one (id int PRIMARY KEY); CREATE TABLE public.two (id int PRIMARY KEY, note text); GRANT SELECT ON public.one, public.two TO {credential}, {reader}", token);
        (await move.CheckAsync("WriteRoles")).MustBe(CheckStatus.Pass);
        await move.Source.ExecuteAsOwnerAsync($"GRANT DELETE ON public.one TO {credential}; GRANT UPDATE (note) ON public.two TO {credential}", token);

        var check = await move.CheckAsync("WriteRoles");

        check.MustBe(CheckStatus.Note, SqlName.Quote(move.Source.Owner.Name), credential);
        Assert.Contains($"{credential} (2 tables)", check.Finding, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_view_of_a_superuser_that_others_write_through_is_a_warning_until_the_remedy_was_run()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsOwnerAsync("CREATE TABLE public.items (id int PRIMARY KEY)", token);
        await move.Source.ExecuteAsync($"CREATE VIEW public.\"Door\" AS SELECT * FROM public.items; GRANT INSERT ON public.\"Door\" TO {SqlName.Quote(move.Source.Credential.Name)}", token);

        var check = await move.CheckAsync("WritersBeyondRevoke");

        check.MustBe(CheckStatus.Warning);
        Assert.Contains("public.\"Door\"", Assert.Single(check.Objects), StringComparison.Ordinal);
        await move.Source.ExecuteAsync(check.Remedy, token);
        (await move.CheckAsync("WritersBeyondRevoke")).MustBe(CheckStatus.Pass);
    }

    [Fact]
    [Fires("DefinerFunctions")]
    [Passes("DefinerFunctions")]
    public async Task A_function_that_runs_as_a_superuser_is_a_warning_until_the_remedy_was_run()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsync("CREATE FUNCTION public.\"Back Door\"(n integer) RETURNS void LANGUAGE sql SECURITY DEFINER AS 'SELECT'", token);

        var check = await move.CheckAsync("DefinerFunctions");

        check.MustBe(CheckStatus.Warning, "\"public\".\"Back Door\"");
        await move.Source.ExecuteAsync(check.Remedy, token);
        (await move.CheckAsync("DefinerFunctions")).MustBe(CheckStatus.Pass);
    }

    [Fact, Passes("TargetCanCreate")]
    public async Task A_schema_of_somebody_else_on_the_target_is_no_obstacle_where_nothing_is_made_in_it()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Target.ExecuteAsync("CREATE SCHEMA tools", token);
        await move.Source.ExecuteAsOwnerAsync("CREATE SCHEMA tools", token);
        (await move.CheckAsync("TargetCanCreate")).MustBe(CheckStatus.Pass);
        await move.Source.ExecuteAsOwnerAsync("CREATE FUNCTION tools.one() RETURNS int LANGUAGE sql AS 'SELECT 1'", token);

        (await move.CheckAsync("TargetCanCreate")).MustBe(CheckStatus.Blocked, "\"tools\"");
    }
}
