using HerokuMigrator.Lab;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>Schemas that pg_dump and psql would stumble over, moved while they are written to.</summary>
public sealed class AwkwardSchemaSpecs(LabPair lab)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Functions_that_rest_on_the_search_path_serve_indexes_checks_generated_columns_and_materialized_views()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await move.Source.ExecuteAsync(
            $"""
            ALTER DATABASE "{move.Source.Name}" SET search_path = "$user", public, tools, heroku_ext;
            ALTER DATABASE "{move.Source.Name}" SET default_text_search_config = 'pg_catalog.english';
            """,
            Token);
        await move.Source.ExecuteAsOwnerAsync(
            """
            SET search_path = "$user", public, tools, heroku_ext;
            CREATE SCHEMA tools;
            CREATE TABLE tools.rates (name text PRIMARY KEY, rate int);
            INSERT INTO tools.rates VALUES ('a', 3);
            CREATE FUNCTION tools.half(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT n / 2';
            CREATE FUNCTION public.quarter(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT half(half(n))';
            CREATE FUNCTION public.eighth(n int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN half(quarter(n)); END';
            CREATE FUNCTION public.words(t text) RETURNS tsvector LANGUAGE sql IMMUTABLE AS 'SELECT to_tsvector(t)';
            CREATE FUNCTION public.rate() RETURNS int LANGUAGE plpgsql STABLE AS 'BEGIN RETURN (SELECT max(rate) FROM rates); END';
            CREATE TABLE public.items (id int PRIMARY KEY, n int CHECK (eighth(n) < 1000000), t text,
                q int GENERATED ALWAYS AS (quarter(n)) STORED, e int GENERATED ALWAYS AS (eighth(n)) STORED);
            INSERT INTO public.items SELECT g, g * 100, 'running words ' || g FROM generate_series(1, 200) g;
            CREATE INDEX items_eighth ON public.items (eighth(n));
            CREATE INDEX items_words ON public.items USING gin (words(t));
            CREATE MATERIALIZED VIEW public.b_first AS SELECT id, eighth(n) * rate() AS r, to_tsvector(t) AS w FROM items;
            CREATE VIEW public.between AS SELECT r, w FROM b_first;
            CREATE MATERIALIZED VIEW public.a_second AS SELECT r, w FROM between;
            CREATE INDEX ON public.a_second (eighth(r));
            """,
            Token);

        await MoveAsync(move, "INSERT INTO public.items (id, n, t) VALUES (1001, 1600, 'running'); UPDATE public.items SET n = 800 WHERE id = 5; REFRESH MATERIALIZED VIEW public.b_first; REFRESH MATERIALIZED VIEW public.a_second");

        Assert.Equal(201, await move.AskTargetAsync<long>("SELECT count(*) FROM public.a_second", Token));
        Assert.Equal(200, await move.AskTargetAsync<int>("SELECT e FROM public.items WHERE id = 1001", Token));
    }

    [Fact]
    public async Task Rows_that_break_a_constraint_which_is_not_valid_arrive_and_so_does_the_constraint()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await move.Source.ExecuteAsOwnerAsync(
            """
            CREATE DOMAIN public.grade AS int;
            CREATE TABLE public.parents (id int PRIMARY KEY);
            CREATE TABLE public.replayed (id int PRIMARY KEY, n int, g public.grade, parent int);
            CREATE TABLE public.whole (n int, parent int);
            INSERT INTO public.parents VALUES (1);
            INSERT INTO public.replayed VALUES (1, -1, -1, 99), (2, 2, 2, 1);
            INSERT INTO public.whole VALUES (-1, 99), (2, 1);
            ALTER TABLE public.replayed ADD CONSTRAINT "not ""negative" CHECK (n > 0) NOT VALID, ADD FOREIGN KEY (parent) REFERENCES public.parents NOT VALID;
            ALTER TABLE public.whole ADD CONSTRAINT positive CHECK (n > 0) NOT VALID, ADD FOREIGN KEY (parent) REFERENCES public.parents NOT VALID;
            ALTER DOMAIN public.grade ADD CONSTRAINT good CHECK (VALUE > 0) NOT VALID;
            """,
            Token);

        await using var migrator = await MoveAsync(move, "INSERT INTO public.whole VALUES (3, 1); UPDATE public.replayed SET n = 5 WHERE id = 2; DELETE FROM public.parents WHERE id = 7");

        await migrator.UndoSwitchAsync(Token);
        await move.Source.ExecuteAsOwnerAsync("TRUNCATE public.replayed; INSERT INTO public.replayed VALUES (3, 3, 3, 1)", Token);
        await migrator.SwitchAsync(new SwitchOptions(), Token);
        await MustBeEqualAsync(move);
    }

    [Fact]
    public async Task A_materialized_view_that_rests_on_a_primary_key_is_made_after_the_key_and_before_its_own_indexes()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await move.Source.ExecuteAsOwnerAsync(
            """
            CREATE TABLE public.items (id int PRIMARY KEY, name text);
            INSERT INTO public.items VALUES (1, 'a'), (2, 'b');
            CREATE MATERIALIZED VIEW public."by id" (id, "the name") WITH (fillfactor = 90) AS SELECT id, name FROM public.items GROUP BY id;
            CREATE UNIQUE INDEX by_id_key ON public."by id" (id);
            CREATE INDEX by_id_name ON public."by id" ("the name");
            COMMENT ON MATERIALIZED VIEW public."by id" IS 'late';
            """,
            Token);

        await MoveAsync(move, "INSERT INTO public.items VALUES (3, 'c'); REFRESH MATERIALIZED VIEW public.\"by id\"");
    }

    [Fact]
    public async Task A_cast_that_only_a_superuser_can_make_may_be_there_beforehand()
    {
        await using var move = await lab.NewMoveAsync(Token);
        const string cast = "CREATE CAST (varchar AS uuid) WITH INOUT AS IMPLICIT";
        await move.Source.ExecuteAsync(cast, Token);
        await move.Target.ExecuteAsync(cast, Token);
        await move.Source.ExecuteAsOwnerAsync("CREATE TABLE public.items (id int PRIMARY KEY)", Token);

        await MoveAsync(move, "INSERT INTO public.items VALUES (3)");
    }

    [Fact]
    public async Task A_statement_that_the_target_refuses_is_told_with_what_names_its_object()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await move.Source.ExecuteAsOwnerAsync(
            "CREATE TABLE public.refused (id int PRIMARY KEY, n int); CREATE INDEX by_n ON public.refused (n); CREATE TABLE public.child (id int PRIMARY KEY REFERENCES public.refused)", Token);
        await move.Target.ExecuteAsync(
            """
            CREATE FUNCTION public.refuse() RETURNS event_trigger LANGUAGE plpgsql AS
                'BEGIN IF EXISTS (SELECT FROM pg_catalog.pg_event_trigger_ddl_commands() WHERE object_identity = ''public.refused'') THEN RAISE EXCEPTION ''not here''; END IF; END';
            CREATE EVENT TRIGGER refuse ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION public.refuse();
            """,
            Token);
        await using var migrator = move.NewMigrator();

        var error = await Assert.ThrowsAsync<MigrationException>(() => migrator.StartAsync(Token));

        Assert.Equal("SchemaEntryFailed", error.ErrorId);
        Assert.Contains("CREATE TABLE public.refused", error.Message, StringComparison.Ordinal);
        Assert.Contains("INDEX public.by_n", error.Message, StringComparison.Ordinal);
        Assert.Contains("FK CONSTRAINT public.child child_id_fkey", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tables_of_an_extension_stay_with_the_extension()
    {
        await using var move = await lab.NewMoveAsync(Token);
        // Trusted, and with a table of its own would be rare: a table that is made a member shows the same.
        await move.Source.ExecuteAsOwnerAsync(
            "CREATE EXTENSION citext SCHEMA public; CREATE TABLE public.members (n int PRIMARY KEY CHECK (n > 0)); INSERT INTO public.members VALUES (1); CREATE TABLE public.items (id public.citext PRIMARY KEY); INSERT INTO public.items VALUES ('A'), ('b')", Token);
        await move.Source.ExecuteAsync("ALTER EXTENSION citext ADD TABLE public.members", Token);

        await MoveAsync(move, "UPDATE public.items SET id = 'c' WHERE id = 'B'");

        Assert.False(await move.AskTargetAsync<bool>("SELECT to_regclass('public.members') IS NOT NULL", Token));
        await move.Source.ExecuteAsync("ALTER EXTENSION citext DROP TABLE public.members", Token);
    }

    private static async Task<Migrator> MoveAsync(LabMove move, string writes)
    {
        var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        await move.Source.ExecuteAsOwnerAsync(await SearchPathAsync(move) + writes, Token);
        await migrator.SwitchAsync(new SwitchOptions(), Token);
        await MustBeEqualAsync(move);
        return migrator;
    }

    private static async Task MustBeEqualAsync(LabMove move)
    {
        var contents = await DatabaseContents.CompareAsync(move.Source, move.Target, Token);
        Assert.True(contents.AreEqual, $"{contents}\n{string.Join('\n', move.Events.Warnings)}");
        Assert.DoesNotContain(move.Events.Warnings, warning => !warning.Contains("pg_stat_statements", StringComparison.Ordinal));
    }

    /// <summary>The lab's superuser has the database's settings, as the application has.</summary>
    private static async Task<string> SearchPathAsync(LabMove move) => $"SET search_path = {await move.AskSourceAsync<string>("SELECT current_setting('search_path')", Token)}; ";
}
