using HerokuMigrator.Lab;
using Npgsql;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>By whatever right somebody could write before the fence: he is stopped by it, or named before it is built.</summary>
public sealed class FencedRoleSpecs(LabPair lab)
{
    private const string Grants = """
        GRANT INSERT ON public.accounts, public.views TO PUBLIC;
        GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO PUBLIC;
        GRANT UPDATE (balance), SELECT ON public.accounts TO {0};
        CREATE FUNCTION public.visit() RETURNS void LANGUAGE sql SECURITY DEFINER AS $$ INSERT INTO public.views (path) VALUES ('definer') $$;
        """;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Owner_credential_public_columns_definers_and_sessions_that_are_open_are_all_refused()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await TinySchema.CreateAsync(move.Source, Token);
        await Owner.ExecuteAsync(move.Source, string.Format(System.Globalization.CultureInfo.InvariantCulture, Grants, $"\"{move.Source.Reader.Name}\""), Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        var source = move.Source;
        (string Who, LabRole Role, string Sql)[] ways =
        [
            ("the owner", source.Owner, "DELETE FROM public.views"),
            ("a second credential by its grants", source.Credential, "UPDATE public.accounts SET name = 'x'"),
            ("a sequence", source.Credential, "SELECT nextval('public.accounts_id_seq')"),
            ("PUBLIC", source.Reader, "INSERT INTO public.accounts (name) VALUES ('x')"),
            ("a column", source.Reader, "UPDATE public.accounts SET balance = 0"),
            ("a function that runs as the owner", source.Reader, "SELECT public.visit()"),
            ("TRUNCATE", source.Owner, "TRUNCATE public.views"),
            ("a partition", source.Owner, "INSERT INTO public.events_new VALUES (9999, '2026-06-01')"),
        ];
        var sessions = new List<NpgsqlConnection>();
        try
        {
            foreach (var (_, role, sql) in ways)
            {
                // Open, and used for writing, since before: prepared, or within a transaction that has only read so far.
                var session = new NpgsqlConnection(source.ConnectionStringFor(role));
                await session.OpenAsync(Token);
                sessions.Add(session);
                await ExecuteAsync(session, sql.StartsWith("SELECT", StringComparison.Ordinal) ? $"PREPARE way AS {sql}" : $"PREPARE way AS {(sql.StartsWith("TRUNCATE", StringComparison.Ordinal) ? "DELETE FROM public.views" : sql)}");
            }

            await using var reading = new NpgsqlConnection(source.ConnectionString);
            await reading.OpenAsync(Token);
            await ExecuteAsync(reading, "BEGIN; SELECT count(*) FROM public.accounts");

            await migrator.SwitchAsync(new SwitchOptions(), Token);

            for (var at = 0; at < ways.Length; at++)
            {
                await AssertRefusedAsync(ways[at].Who + ", prepared", sessions[at], "EXECUTE way");
                await AssertRefusedAsync(ways[at].Who, sessions[at], ways[at].Sql);
            }

            await AssertRefusedAsync("a transaction that was open", reading, "INSERT INTO public.accounts (name) VALUES ('x')");
            await migrator.StopAsync(Token);
        }
        finally
        {
            foreach (var session in sessions)
            {
                await session.DisposeAsync();
            }
        }
    }

    [Fact]
    public async Task Sessions_that_a_pooler_shares_are_refused_within_an_open_transaction_and_after_it()
    {
        Assert.SkipUnless(PgBouncer.IsHere, "PgBouncer is not installed here; sessions of a pooler were not tried");
        await using var move = await lab.NewMoveAsync(Token);
        await TinySchema.CreateAsync(move.Source, Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        await using var pooler = await PgBouncer.StartAsync(move.Source, Token);
        await using var idle = new NpgsqlConnection(pooler.ConnectionString);
        await using var reading = new NpgsqlConnection(pooler.ConnectionString);
        await idle.OpenAsync(Token);
        await reading.OpenAsync(Token);
        const string Write = "INSERT INTO public.views (path) VALUES ('pooled')";
        await ExecuteAsync(idle, Write);
        await ExecuteAsync(reading, "BEGIN; SELECT count(*) FROM public.views");

        var switched = await migrator.SwitchAsync(new SwitchOptions(), Token);

        Assert.Equal(MigrationPhase.Switched, switched.Phase);
        await AssertRefusedAsync("a pooled session", idle, Write);
        await AssertRefusedAsync("a pooled session in a transaction", reading, Write);
        await ExecuteAsync(reading, "ROLLBACK");
        await AssertRefusedAsync("a pooled session after its transaction", reading, Write);
        Assert.Equal(1, await move.AskTargetAsync<long>("SELECT count(*) FROM public.views WHERE path = 'pooled'", Token));
        await migrator.StopAsync(Token);
    }

    [Fact]
    public async Task A_member_of_pg_write_all_data_is_named_before_the_fence_and_none_is_built()
    {
        // A membership holds for all databases of a server.
        await using var source = await HerokuLikeServer.StartAsync(Token);
        await using var target = await PlanetScaleLikeServer.StartAsync(Token);
        await using var move = new LabMove(await source.CreateDatabaseAsync(Token), await target.CreateDatabaseAsync(Token));
        await TinySchema.CreateAsync(move.Source, Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        await move.Source.ExecuteAsync($"GRANT pg_write_all_data TO \"{move.Source.Credential.Name}\"", Token);

        var error = await Assert.ThrowsAsync<MigrationException>(() => migrator.SwitchAsync(new SwitchOptions(), Token));

        Assert.Equal("SwitchRefused", error.ErrorId);
        Assert.Contains(move.Source.Credential.Name, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(move.Events.Texts, text => text.StartsWith("Fence closed", StringComparison.Ordinal));
        await migrator.StopAsync(Token);
    }

    private static async Task AssertRefusedAsync(string who, NpgsqlConnection session, string sql)
    {
        var error = await Record.ExceptionAsync(() => ExecuteAsync(session, sql));
        Assert.True(error is PostgresException { SqlState: PostgresErrorCodes.InsufficientPrivilege or PostgresErrorCodes.ReadOnlySqlTransaction }, $"{who}: {sql}: {error?.Message ?? "not refused"}");
    }

    private static async Task ExecuteAsync(NpgsqlConnection session, string sql)
    {
        await using var command = new NpgsqlCommand(sql, session);
        await command.ExecuteNonQueryAsync(Token);
    }
}
