using HerokuMigrator.Catalog;
using HerokuMigrator.State;
using Npgsql;
using Xunit;

namespace HerokuMigrator.Integration;

public sealed class ReadinessOfTargetsSpecs(LabPair lab)
{
    [Fact]
    [Fires("TargetEmpty")]
    [Passes("TargetEmpty")]
    public async Task A_target_with_tables_blocks_and_names_them_until_the_remedy_was_run()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Target.ExecuteAsOwnerAsync("CREATE TABLE public.\"Old\" (id int); CREATE SCHEMA app; CREATE TABLE app.parts (id int) PARTITION BY HASH (id)", token);

        var check = await move.CheckAsync("TargetEmpty");

        check.MustBe(CheckStatus.Blocked, "\"app\".\"parts\"", "\"public\".\"Old\"");
        await move.Target.ExecuteAsOwnerAsync(check.Remedy, token);
        (await move.CheckAsync("TargetEmpty")).MustBe(CheckStatus.Pass);
    }

    [Fact]
    [Fires("TargetCollisions")]
    [Passes("TargetCollisions")]
    public async Task Other_objects_on_the_target_block_only_where_the_source_has_the_name_too()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        const string shared = """
            CREATE TYPE public.mood AS ENUM ('good'); CREATE VIEW public.now_view AS SELECT now(); CREATE SEQUENCE public.numbers;
            CREATE FUNCTION public.twice(int) RETURNS int LANGUAGE sql AS 'SELECT 2 * $1';
            """;
        await move.Target.ExecuteAsOwnerAsync(shared + "CREATE FUNCTION public.twice(text) RETURNS text LANGUAGE sql AS 'SELECT $1 || $1'", token);
        (await move.CheckAsync("TargetCollisions")).MustBe(CheckStatus.Pass);
        await move.Source.ExecuteAsOwnerAsync(shared, token);

        var check = await move.CheckAsync("TargetCollisions");

        check.MustBe(CheckStatus.Blocked, "\"public\".\"mood\"", "\"public\".\"now_view\"", "\"public\".\"numbers\"", "\"public\".\"twice\"(integer)");
        await move.Target.ExecuteAsOwnerAsync(check.Remedy, token);
        (await move.CheckAsync("TargetCollisions")).MustBe(CheckStatus.Pass);
    }

    [Fact, Passes("TargetCollisions")]
    public async Task Types_of_an_extension_that_both_sides_have_are_no_collision()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsync("CREATE EXTENSION tablefunc SCHEMA public", token);
        await move.Target.ExecuteAsync("CREATE EXTENSION tablefunc SCHEMA public", token);

        (await move.CheckAsync("TargetCollisions")).MustBe(CheckStatus.Pass);
    }

    [Fact]
    [Fires("TargetLeftoverState")]
    [Passes("TargetLeftoverState")]
    public async Task The_state_of_another_migration_blocks_and_is_named()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await using var target = NpgsqlDataSource.Create(move.Target.ConnectionString);
        await new StateStore(target).CreateAsync("0123456789", "other", "fingerprint", token);

        var check = await move.CheckAsync("TargetLeftoverState");

        check.MustBe(CheckStatus.Blocked, "heroku_migrator");
        Assert.Contains("'other'", check.Finding, StringComparison.Ordinal);
        (await move.CheckAsync("TargetLeftoverState", options => options with { Name = "other" })).MustBe(CheckStatus.Pass);
    }

    [Fact]
    public async Task A_schema_of_the_same_name_that_holds_no_migration_blocks()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Target.ExecuteAsync("CREATE SCHEMA heroku_migrator", token);

        (await move.CheckAsync("TargetLeftoverState")).MustBe(CheckStatus.Blocked, "heroku_migrator");
    }

    [Fact]
    public async Task A_bucardo_of_somebody_else_on_the_source_blocks()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsOwnerAsync("CREATE SCHEMA bucardo", token);
        (await move.CheckAsync("SourceLeftovers")).MustBe(CheckStatus.Blocked, "bucardo");

        await move.Source.ExecuteAsOwnerAsync("COMMENT ON SCHEMA bucardo IS 'HerokuMigrator 0123456789'", token);

        var check = await move.CheckAsync("SourceLeftovers");
        check.MustBe(CheckStatus.Blocked, "bucardo");
        Assert.Contains("0123456789", check.Finding, StringComparison.Ordinal);
    }

    [Fact]
    [Fires("SameEncoding")]
    public async Task Another_encoding_blocks()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        var latin = SqlName.Quote("latin_" + move.Target.Name);
        await move.Target.Server.ExecuteAsync("postgres", $"CREATE DATABASE {latin} OWNER {SqlName.Quote(move.Target.Owner.Name)} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0", token);
        try
        {
            var check = await move.CheckAsync("SameEncoding", options => options with { TargetUrl = options.TargetUrl!.Replace("/" + move.Target.Name, "/latin_" + move.Target.Name, StringComparison.Ordinal) });

            check.MustBe(CheckStatus.Blocked, latin);
        }
        finally
        {
            await move.Target.Server.ExecuteAsync("postgres", $"DROP DATABASE {latin} WITH (FORCE)", CancellationToken.None);
        }
    }

    [Fact]
    [Fires("HomeUsable")]
    public async Task A_home_that_cannot_be_made_blocks_and_nothing_is_made()
    {
        await using var move = await lab.NewMoveAsync(TestContext.Current.CancellationToken);
        var closed = Directory.CreateDirectory(Path.Combine(move.StateRoot, "closed"), UnixFileMode.UserRead | UnixFileMode.UserExecute);

        var report = await ReadinessRunner.RunAsync(move.Options with { StateRoot = Path.Combine(closed.FullName, "deeper") });

        report.Find("HomeUsable").MustBe(CheckStatus.Blocked);
        Assert.Empty(closed.GetFileSystemInfos());
    }
}
