using HerokuMigrator.Catalog;
using HerokuMigrator.Lab;
using Npgsql;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>A target whose settings, triggers, slots and limits an application or the copy would run into.</summary>
public sealed class ReadinessOfTargetSettingsSpecs(LabPair lab)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    [Fires("TargetSettings")]
    [Passes("TargetSettings")]
    public async Task Settings_that_an_application_feels_are_a_warning_until_the_remedy_was_run()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await move.Source.ExecuteAsync(
            $"""
            ALTER DATABASE {SqlName.Quote(move.Source.Name)} SET search_path = "$user", public, "Käse.Bröt";
            ALTER DATABASE {SqlName.Quote(move.Source.Name)} SET TimeZone = 'America/New_York';
            """,
            Token);
        await move.Target.ExecuteAsync(
            $"""
            ALTER ROLE {SqlName.Quote(move.Target.Owner.Name)} SET default_transaction_read_only = on;
            ALTER DATABASE {SqlName.Quote(move.Target.Name)} SET statement_timeout = '30s';
            """,
            Token);

        var check = await move.CheckAsync("TargetSettings");

        // What the source's database and role have, and the target's have not, is told by DatabaseSettings.
        check.MustBe(CheckStatus.Warning, "default_transaction_read_only", "statement_timeout");
        (await move.CheckAsync("DatabaseSettings")).MustBe(CheckStatus.Warning, "TimeZone", "search_path", "idle_in_transaction_session_timeout");
        Assert.Contains("statement_timeout is 30000 ms (source: 0)", check.Finding, StringComparison.Ordinal);
        await move.Target.ExecuteAsync($"ALTER ROLE {SqlName.Quote(move.Target.Owner.Name)} RESET ALL", Token);
        await move.Target.ExecuteAsOwnerAsync(check.Remedy, Token);
        (await move.CheckAsync("TargetSettings")).MustBe(CheckStatus.Pass);
    }

    [Fact]
    public async Task Names_of_one_time_zone_are_no_difference()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await move.Target.ExecuteAsync($"ALTER DATABASE {SqlName.Quote(move.Target.Name)} SET TimeZone = 'Etc/UTC'", Token);
        await move.Source.ExecuteAsync($"ALTER DATABASE {SqlName.Quote(move.Source.Name)} SET TimeZone = 'UTC'", Token);

        Assert.DoesNotContain("TimeZone", (await move.CheckAsync("TargetSettings")).Objects);
    }

    [Fact]
    [Fires("TargetSpeed")]
    [Passes("TargetSpeed")]
    public async Task Settings_that_slow_the_copy_are_a_note_until_the_remedy_was_run()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await move.Target.ExecuteAsync(
            $"ALTER DATABASE {SqlName.Quote(move.Target.Name)} SET maintenance_work_mem = '4MB'; ALTER DATABASE {SqlName.Quote(move.Target.Name)} SET max_parallel_maintenance_workers = 0", Token);

        var check = await move.CheckAsync("TargetSpeed");

        check.MustBe(CheckStatus.Note, "maintenance_work_mem", "max_parallel_maintenance_workers");
        await move.Target.ExecuteAsync(check.Remedy, Token);
        (await move.CheckAsync("TargetSpeed")).MustBe(CheckStatus.Pass);
    }

    [Fact]
    [Fires("ApplicationConnections")]
    [Passes("ApplicationConnections")]
    public async Task A_target_that_takes_fewer_connections_than_are_in_use_is_a_warning()
    {
        await using var move = await lab.NewMoveAsync(Token);
        (await move.CheckAsync("ApplicationConnections")).MustBe(CheckStatus.Pass);
        await move.Target.ExecuteAsync($"ALTER ROLE {SqlName.Quote(move.Target.Owner.Name)} CONNECTION LIMIT 4", Token);
        (await move.CheckAsync("ApplicationConnections")).MustBe(CheckStatus.Note);
        await using var application = NpgsqlDataSource.Create(move.Source.ConnectionString);
        var sessions = new List<NpgsqlConnection>();
        for (var session = 0; session < 5; session++)
        {
            sessions.Add(await application.OpenConnectionAsync(Token));
        }

        var check = await move.CheckAsync("ApplicationConnections");

        check.MustBe(CheckStatus.Warning);
        Assert.Contains("5 of them in use now; the target takes up to 4", check.Finding, StringComparison.Ordinal);
        foreach (var session in sessions)
        {
            await session.DisposeAsync();
        }
    }

    [Fact]
    [Fires("TargetConnections")]
    public async Task Too_few_free_connections_on_the_target_are_a_warning()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await move.Target.ExecuteAsync($"ALTER ROLE {SqlName.Quote(move.Target.Owner.Name)} CONNECTION LIMIT 5", Token);

        (await move.CheckAsync("TargetConnections")).MustBe(CheckStatus.Warning);
    }

    [Fact]
    [Fires("TargetEventTriggers")]
    [Passes("TargetEventTriggers")]
    public async Task An_event_trigger_of_the_target_blocks_where_it_refuses_until_the_remedy_was_run()
    {
        await using var move = await lab.NewMoveAsync(Token);
        (await move.CheckAsync("TargetEventTriggers")).MustBe(CheckStatus.Pass);
        await move.Target.ExecuteAsync(
            """
            CREATE FUNCTION public.watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
            CREATE EVENT TRIGGER "Watch" ON ddl_command_end EXECUTE FUNCTION public.watch();
            """,
            Token);
        (await move.CheckAsync("TargetEventTriggers")).MustBe(CheckStatus.Note, "\"Watch\"");
        await move.Target.ExecuteAsync(
            """
            CREATE FUNCTION public.refuse() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION $m$tables need a comment$m$; END';
            CREATE EVENT TRIGGER refuse ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION public.refuse();
            """,
            Token);

        var check = await move.CheckAsync("TargetEventTriggers");

        check.MustBe(CheckStatus.Blocked, "\"Watch\"", "\"refuse\"");
        Assert.Contains("tables need a comment", check.Finding, StringComparison.Ordinal);
        await move.Target.ExecuteAsync(check.Remedy, Token);
        (await move.CheckAsync("TargetEventTriggers")).MustBe(CheckStatus.Pass);
    }

    [Fact]
    [Fires("TargetSlots")]
    [Passes("TargetSlots")]
    public async Task A_replication_slot_without_a_reader_is_a_warning_until_the_remedy_was_run()
    {
        // Slots are the server's, so it is one of its own.
        await using var server = await PlanetScaleLikeServer.StartAsync(Token);
        await using var move = await lab.NewMoveAsync(Token);
        MigratorOptions Into(MigratorOptions options) => options with { TargetUrl = server.Url };
        (await move.CheckAsync("TargetSlots", Into)).MustBe(CheckStatus.Pass);
        await server.Server.ExecuteAsync("postgres", "SELECT pg_create_physical_replication_slot('left_behind', true)", Token);

        var check = await move.CheckAsync("TargetSlots", Into);

        check.MustBe(CheckStatus.Warning, "left_behind");
        await server.Server.ExecuteAsync("postgres", check.Remedy, Token);
        (await move.CheckAsync("TargetSlots", Into)).MustBe(CheckStatus.Pass);
    }

    [Fact]
    [Fires("TargetPreloadedLibraries")]
    [Passes("TargetPreloadedLibraries")]
    public async Task An_extension_whose_library_is_loaded_on_the_source_alone_is_a_note()
    {
        await using var move = await lab.NewMoveAsync(Token);

        (await move.CheckAsync("TargetPreloadedLibraries")).MustBe(CheckStatus.Note, "\"pg_stat_statements\"");

        await move.Source.ExecuteAsync("DROP EXTENSION pg_stat_statements", Token);
        (await move.CheckAsync("TargetPreloadedLibraries")).MustBe(CheckStatus.Pass);
    }

    [Fact]
    [Fires("TargetDefaultPrivileges")]
    [Passes("TargetDefaultPrivileges")]
    public async Task Default_privileges_that_let_others_write_are_a_note()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await move.Target.ExecuteAsOwnerAsync("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC", Token);
        (await move.CheckAsync("TargetDefaultPrivileges")).MustBe(CheckStatus.Pass);
        await move.Target.ExecuteAsOwnerAsync("ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT INSERT, UPDATE ON TABLES TO PUBLIC", Token);

        var check = await move.CheckAsync("TargetDefaultPrivileges");

        check.MustBe(CheckStatus.Note, "PUBLIC");
        Assert.Contains("INSERT, UPDATE on TABLES to PUBLIC in schema \"public\"", check.Finding, StringComparison.Ordinal);
    }
}
