using HerokuMigrator.Readiness;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>How much there is to move.</summary>
public sealed class ReadinessOfSizeSpecs(LabPair lab)
{
    /// <summary>One row a page.</summary>
    private const string Wide = "CREATE TABLE public.\"Wide\" (id int, line text) WITH (fillfactor = 10, autovacuum_enabled = off); ALTER TABLE public.\"Wide\" ALTER line SET STORAGE PLAIN;";

    [Fact]
    [Fires("TargetRoom")]
    [Passes("TargetRoom")]
    [Fires("SourceSize")]
    public async Task A_source_of_some_size_is_a_note_with_the_room_that_the_target_should_have()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        (await move.CheckAsync("TargetRoom")).MustBe(CheckStatus.Pass);
        await move.Source.ExecuteAsOwnerAsync(Wide + "INSERT INTO public.\"Wide\" SELECT i, repeat('x', 700) FROM generate_series(1, 13000) i", token);

        var check = await move.CheckAsync("TargetRoom");

        check.MustBe(CheckStatus.Note, $"\"{move.Target.Name}\"");
        Assert.Matches(@"should have 2\d\d MB free: the source takes 1\d\d MB", check.Finding);
        (await move.CheckAsync("SourceSize")).MustBe(CheckStatus.Note, "\"public\".\"Wide\"");
    }

    /// <summary>It tells the size of whatever there is.</summary>
    [Fact]
    [Passes("SourceSize")]
    public async Task An_empty_source_is_told_as_such()
    {
        await using var move = await lab.NewMoveAsync(TestContext.Current.CancellationToken);

        var check = await move.CheckAsync("SourceSize");

        check.MustBe(CheckStatus.Pass);
        Assert.Contains("0 tables with about 0 rows", check.Finding, StringComparison.Ordinal);
    }

    [Fact]
    [Fires("HugeTables")]
    [Passes("HugeTables")]
    public async Task A_table_whose_copy_takes_hours_is_a_note_with_the_time_that_it_would_take()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsOwnerAsync(Wide + "INSERT INTO public.\"Wide\" SELECT i, repeat('x', 700) FROM generate_series(1, 1000) i", token);
        (await move.CheckAsync("HugeTables")).MustBe(CheckStatus.Pass);

        var finding = await move.RunAsync(new HugeTables { BytesPerSecond = 1000 });

        finding.MustBe(CheckStatus.Note, "\"public\".\"Wide\"");
        Assert.Matches(@"""public"".""Wide"" \(\d\.\d MB, 2\.\d h\)", finding.Text);
    }
}
