using Npgsql;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>What is in the rows, and how it is sorted, folded and written as text.</summary>
public sealed class ReadinessOfDataSpecs(LabPair lab)
{
    [Fact]
    [Fires("CollationDependents")]
    [Passes("CollationDependents")]
    [Passes("Collation")]
    public async Task What_rests_on_the_order_or_the_case_of_text_is_named_until_the_target_was_made_anew()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsOwnerAsync(
            """
            CREATE TABLE public.plain (name text PRIMARY KEY, code text COLLATE "C" CHECK (code > 'a'), kind text CHECK (kind IN ('a', 'b')));
            CREATE TABLE public.hashed (name text PRIMARY KEY) PARTITION BY HASH (name);
            CREATE TABLE public.by_c (name text COLLATE "C") PARTITION BY RANGE (name);
            """,
            token);
        (await move.CheckAsync("CollationDependents")).MustBe(CheckStatus.Pass);
        await move.Source.ExecuteAsOwnerAsync(
            """
            CREATE TABLE public."By name" (name text) PARTITION BY RANGE (name);
            CREATE TABLE public.users (email text, low text, high text, loud text GENERATED ALWAYS AS (upper(email)) STORED, CONSTRAINT "in order" CHECK (low < high));
            CREATE UNIQUE INDEX users_email ON public.users (lower(email));
            CREATE DOMAIN public.shy AS text CONSTRAINT quiet CHECK (VALUE = lower(VALUE));
            """,
            token);

        var check = await move.CheckAsync("CollationDependents");

        check.MustBe(
            CheckStatus.Warning, "\"public\".\"shy\".\"quiet\"", "\"public\".\"users\".\"in order\"", "\"public\".\"users\".\"loud\"", "\"public\".\"By name\"", "\"public\".\"users_email\"");
        Assert.Contains("lower() and upper() differ", check.Finding, StringComparison.Ordinal);
        // DROP DATABASE refuses company.
        foreach (var statement in check.Remedy.Split('\n').Where(line => !line.StartsWith("--", StringComparison.Ordinal)))
        {
            await move.Target.Server.ExecuteAsync("postgres", statement.Replace(";", statement.StartsWith("DROP", StringComparison.Ordinal) ? " WITH (FORCE);" : ";", StringComparison.Ordinal), token);
        }

        (await move.CheckAsync("CollationDependents")).MustBe(CheckStatus.Pass);
        (await move.CheckAsync("Collation")).MustBe(CheckStatus.Pass);
    }

    [Fact]
    [Fires("CollationVersions")]
    [Passes("CollationVersions")]
    public async Task A_collation_of_another_version_is_a_warning_with_its_unique_indexes_until_the_remedy_was_run()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsOwnerAsync(
            """
            CREATE TABLE public."Names" (name text PRIMARY KEY, id int UNIQUE, code text COLLATE "C" UNIQUE);
            CREATE COLLATION public.german (PROVIDER = icu, LOCALE = 'de'); CREATE TABLE public.words (word text COLLATE public.german UNIQUE);
            """,
            token);
        (await move.CheckAsync("CollationVersions")).MustBe(CheckStatus.Pass);
        await move.Source.ExecuteAsync(
            "UPDATE pg_database SET datcollversion = '1.0' WHERE datname = current_database(); UPDATE pg_collation SET collversion = '1.1' WHERE collname = 'german'", token);

        var check = await move.CheckAsync("CollationVersions");

        check.MustBe(CheckStatus.Warning, "\"public\".\"Names_pkey\"", "\"public\".\"words_word_key\"");
        Assert.Contains("the database's own (1.0, now ", check.Finding, StringComparison.Ordinal);
        Assert.Contains("\"public\".\"german\" (1.1, now ", check.Finding, StringComparison.Ordinal);
        foreach (var statement in check.Remedy.Split('\n').Where(line => !line.StartsWith("--", StringComparison.Ordinal)))
        {
            // REINDEX … CONCURRENTLY refuses company.
            await move.Source.ExecuteAsync(statement, token);
        }

        (await move.CheckAsync("CollationVersions")).MustBe(CheckStatus.Pass);
    }

    [Fact]
    [Fires("CollationsMissing")]
    [Passes("CollationsMissing")]
    public async Task A_collation_that_the_target_has_not_or_cannot_make_blocks()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsOwnerAsync(
            """
            CREATE COLLATION public."No case" (PROVIDER = icu, LOCALE = 'und-u-ks-level2', DETERMINISTIC = false);
            CREATE TABLE public.people (name text COLLATE public."No case", town text COLLATE "de-x-icu");
            """,
            token);
        (await move.CheckAsync("CollationsMissing")).MustBe(CheckStatus.Pass);
        await move.Source.ExecuteAsync(
            """
            CREATE COLLATION pg_catalog."xx-lab" (PROVIDER = icu, LOCALE = 'de'); ALTER TABLE public.people ADD street text COLLATE "xx-lab";
            """,
            token);
        await move.Target.ExecuteAsync(
            """
            CREATE FUNCTION public.refuse() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no collations here''; END';
            CREATE EVENT TRIGGER refuse ON ddl_command_start WHEN TAG IN ('CREATE COLLATION') EXECUTE FUNCTION public.refuse();
            """,
            token);

        var check = await move.CheckAsync("CollationsMissing");

        check.MustBe(CheckStatus.Blocked, "\"pg_catalog\".\"xx-lab\"", "\"public\".\"No case\"");
        Assert.Contains("no collations here; used by column name of table public.people", check.Finding, StringComparison.Ordinal);
        await move.Target.ExecuteAsync("DROP EVENT TRIGGER refuse", token);
        await move.Target.ExecuteAsync(check.Remedy, token);
        (await move.CheckAsync("CollationsMissing")).MustBe(CheckStatus.Pass);
    }

    [Fact]
    [Fires("TextEncoding")]
    [Passes("TextEncoding")]
    public async Task Text_that_is_not_valid_blocks_until_the_remedy_was_run_and_no_scan_is_counted()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsOwnerAsync("CREATE TABLE public.\"Guests\" (id int PRIMARY KEY, \"Name\" varchar(20)); INSERT INTO public.\"Guests\" VALUES (1, 'Käse')", token);
        (await move.CheckAsync("TextEncoding")).MustBe(CheckStatus.Pass);
        await move.Source.ExecuteAsync(
            "CREATE CAST (bytea AS text) WITHOUT FUNCTION; INSERT INTO public.\"Guests\" VALUES (2, '\\x426ff6'::bytea::text); DROP CAST (bytea AS text); SELECT pg_stat_force_next_flush()", token);

        var scans = await ScansAsync();

        var check = await move.CheckAsync("TextEncoding");

        check.MustBe(CheckStatus.Blocked, "\"public\".\"Guests\"");
        Assert.Equal(scans, await ScansAsync());
        Assert.Contains("invalid byte sequence for encoding \"UTF8\"", check.Finding, StringComparison.Ordinal);
        await using (var source = new NpgsqlConnection(move.Source.AdminConnectionString))
        {
            await source.OpenAsync(token);
            await using var remedy = new NpgsqlCommand(check.Remedy, source);
            await remedy.ExecuteNonQueryAsync(token);
            await using var mended = new NpgsqlCommand("SELECT \"Name\" FROM public.\"Guests\" WHERE id = 2", source);
            Assert.Equal("Boö", await mended.ExecuteScalarAsync(token));
        }

        (await move.CheckAsync("TextEncoding")).MustBe(CheckStatus.Pass);

        Task<long> ScansAsync() => move.AskSourceAsync<long>("SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'Guests'", token);
    }

    [Fact]
    [Fires("SequencesNearEnd")]
    [Passes("SequencesNearEnd")]
    public async Task A_sequence_that_nears_the_end_of_itself_or_of_its_column_is_a_warning_until_the_remedy_was_run()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsOwnerAsync(
            """
            CREATE TABLE public."Orders" (id serial PRIMARY KEY, line int GENERATED ALWAYS AS IDENTITY); CREATE SEQUENCE public.round AS smallint CYCLE;
            CREATE SEQUENCE public.wide; CREATE TABLE public.fed (id int DEFAULT nextval('public.wide')); SELECT setval('public.round', 32766), setval('public.wide', 1000);
            """,
            token);
        (await move.CheckAsync("SequencesNearEnd")).MustBe(CheckStatus.Pass);
        await move.Source.ExecuteAsOwnerAsync(
            """
            CREATE SEQUENCE public.down AS smallint INCREMENT -1;
            SELECT setval('public."Orders_id_seq"', 2100000000), setval('public."Orders_line_seq"', 2000000000), setval('public.wide', 2147483647), setval('public.down', -30000);
            """,
            token);

        var check = await move.CheckAsync("SequencesNearEnd");

        check.MustBe(CheckStatus.Warning, "\"public\".\"wide\"", "\"public\".\"Orders_id_seq\"", "\"public\".\"Orders_line_seq\"", "\"public\".\"down\"");
        Assert.Contains("\"public\".\"wide\" at 2147483647, 100 % of the 2147483647 that column \"id\" of \"public\".\"fed\" ends at", check.Finding, StringComparison.Ordinal);
        await move.Source.ExecuteAsOwnerAsync(check.Remedy, token);
        (await move.CheckAsync("SequencesNearEnd")).MustBe(CheckStatus.Pass);
    }

    [Fact]
    [Fires("UnstableTypes")]
    [Passes("UnstableTypes")]
    public async Task Columns_whose_values_mean_something_on_this_server_only_are_told_by_what_they_mean()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsOwnerAsync("CREATE TABLE public.fine (id int, kind regtype, at interval, place inet)", token);
        (await move.CheckAsync("UnstableTypes")).MustBe(CheckStatus.Pass);
        await move.Source.ExecuteAsOwnerAsync("CREATE TABLE public.prices (price money)", token);
        (await move.CheckAsync("UnstableTypes")).MustBe(CheckStatus.Note, "\"public\".\"prices\".\"price\"");
        await move.Source.ExecuteAsOwnerAsync(
            """
            CREATE DOMAIN public.relation AS regclass; CREATE TYPE public.pair AS (one public.relation, two int);
            CREATE TABLE public."Watched" (pairs public.pair[], "When" xid8, at bigint DEFAULT txid_current());
            """,
            token);

        var check = await move.CheckAsync("UnstableTypes");

        check.MustBe(
            CheckStatus.Warning, "\"public\".\"Watched\".\"pairs\"", "\"public\".\"Watched\".\"When\"", "\"public\".\"Watched\".\"at\"", "\"public\".\"prices\".\"price\"");
        await move.Source.ExecuteAsOwnerAsync(check.Remedy, token);
    }
}
