using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>Keys that changes are replayed by: which tables have none, why, and what would give them one.</summary>
public sealed class ReadinessOfKeysSpecs(LabPair lab)
{
    [Theory]
    [InlineData("CREATE TABLE public.\"Käse.Bröt\" (id int, n int)", "neither a primary key nor a unique index")]
    [InlineData("CREATE TABLE public.\"Käse.Bröt\" (a_id int, b_id uuid)", "neither a primary key nor a unique index")]
    [InlineData("CREATE TABLE public.\"Käse.Bröt\" (\"Nr.\" int UNIQUE)", "allows NULL in \"Nr.\"")]
    [InlineData("CREATE TABLE public.\"Käse.Bröt\" (id int PRIMARY KEY DEFERRABLE)", "is deferrable")]
    [InlineData("CREATE TABLE public.\"Käse.Bröt\" (id int NOT NULL, gone bool); CREATE UNIQUE INDEX ON public.\"Käse.Bröt\" (id) WHERE NOT gone", "is partial")]
    [InlineData("CREATE TABLE public.\"Käse.Bröt\" (id int NOT NULL); CREATE UNIQUE INDEX ON public.\"Käse.Bröt\" (abs(id))", "is on an expression")]
    public async Task A_table_without_a_usable_key_is_told_with_its_reason_until_the_remedy_was_run(string sql, string why)
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsOwnerAsync(sql, token);

        var check = await move.CheckAsync("TablesCopiedWhole");

        check.MustBe(CheckStatus.Note, "\"public\".\"Käse.Bröt\"");
        Assert.Contains(why, check.Finding, StringComparison.Ordinal);
        foreach (var statement in check.Remedy.Split('\n').Where(line => !line.StartsWith("--", StringComparison.Ordinal)))
        {
            await move.Source.ExecuteAsync(statement, token);
        }

        (await move.CheckAsync("TablesCopiedWhole")).MustBe(CheckStatus.Pass);
    }

    [Fact]
    public async Task A_table_that_would_hold_writers_back_for_long_is_a_warning_with_the_seconds()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsOwnerAsync(
            """
            CREATE TABLE public.log (line text); ALTER TABLE public.log ALTER line SET STORAGE EXTERNAL;
            INSERT INTO public.log SELECT repeat('x', 10000000) FROM generate_series(1, 9)
            """,
            token);

        var check = await move.CheckAsync("TablesCopiedWhole");

        check.MustBe(CheckStatus.Warning, "\"public\".\"log\"");
        Assert.Contains("up to 4 s at 20 MB a second", check.Reason, StringComparison.Ordinal);
    }

    [Fact]
    [Fires("AwkwardKeyValues")]
    public async Task An_empty_text_as_key_and_a_backslash_in_a_composite_one_are_a_warning_until_the_rows_are_gone()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsOwnerAsync(
            """
            CREATE TABLE public.pages (slug varchar PRIMARY KEY); INSERT INTO public.pages VALUES (''), ('a');
            CREATE TABLE public.files (host text, path text, PRIMARY KEY (host, path)); INSERT INTO public.files VALUES ('h', 'C:\temp'), ('h', '');
            CREATE TABLE public.sampled (host text, path text, PRIMARY KEY (host, path)); INSERT INTO public.sampled SELECT 'h', 'C:\temp' || n FROM generate_series(1, 9) n; ANALYZE public.sampled;
            CREATE TABLE public.quoted (host text, path text, PRIMARY KEY (host, path)); INSERT INTO public.quoted SELECT 'h', '"' || n FROM generate_series(1, 9) n; ANALYZE public.quoted;
            CREATE TABLE public.fine (slug text PRIMARY KEY); INSERT INTO public.fine VALUES ('C:\temp');
            """,
            token);

        var check = await move.CheckAsync("AwkwardKeyValues");

        check.MustBe(CheckStatus.Warning, "\"public\".\"sampled\"", "\"public\".\"pages\"", "\"public\".\"files\"");
        await move.Source.ExecuteAsync(check.Remedy, token);
        await move.Source.ExecuteAsync("DELETE FROM public.pages WHERE slug = ''; UPDATE public.sampled SET path = right(path, 1); ANALYZE public.sampled; DELETE FROM public.files WHERE path LIKE '%temp'", token);
        (await move.CheckAsync("AwkwardKeyValues")).MustBe(CheckStatus.Pass);
    }

    [Fact]
    public async Task A_table_that_somebody_holds_is_passed_over_and_nobody_waits()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsOwnerAsync("CREATE TABLE public.pages (slug text PRIMARY KEY); INSERT INTO public.pages VALUES ('')", token);
        await using var holder = new Npgsql.NpgsqlConnection(move.Source.ConnectionString);
        await holder.OpenAsync(token);
        var warm = await move.CheckAsync("AwkwardKeyValues");
        await using var transaction = await holder.BeginTransactionAsync(token);
        await using var command = new Npgsql.NpgsqlCommand("LOCK TABLE public.pages IN ROW EXCLUSIVE MODE; LOCK TABLE public.pages IN SHARE ROW EXCLUSIVE MODE", holder, transaction);
        await command.ExecuteNonQueryAsync(token);

        (await move.CheckAsync("AwkwardKeyValues")).MustBe(warm.Status, [.. warm.Objects]);
    }
}
