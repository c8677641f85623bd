using HerokuMigrator.Lab;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>What a change of the source's schema while it is being replicated comes to.</summary>
public sealed class SchemaChangeSpecs(LabPair lab)
{
    private const string Rewrite = "ALTER TABLE public.accounts ALTER COLUMN balance TYPE numeric(12, 2) USING balance * 10";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_column_rewritten_to_its_own_type_arrives_with_its_new_values()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await Owner.ExecuteAsync(move.Source, "CREATE TABLE public.accounts (id integer PRIMARY KEY, balance numeric(12, 2)); INSERT INTO public.accounts VALUES (1, 1), (2, 2)", Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        await Owner.ExecuteAsync(move.Source, Rewrite, Token);

        var switched = await migrator.SwitchAsync(new SwitchOptions(), Token);
        Assert.Contains(move.Events.Warnings, warning => warning.Contains("\"public\".\"accounts\"", StringComparison.Ordinal));
        // It was copied again while writes went on.
        Assert.Empty(switched.TablesCopiedWhole);
        await AssertEqualAsync(move);
        await migrator.StopAsync(Token);
    }

    [Fact]
    public async Task A_column_rewritten_right_before_the_fence_is_copied_under_it()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await Owner.ExecuteAsync(move.Source, "CREATE TABLE public.accounts (id integer PRIMARY KEY, balance numeric(12, 2)); INSERT INTO public.accounts VALUES (1, 1), (2, 2)", Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        move.Events.OnText = text =>
        {
            if (text.StartsWith("Switching:", StringComparison.Ordinal))
            {
                move.Events.OnText = null;
                Owner.Execute(move.Source, Rewrite);
            }
        };
        var switched = await migrator.SwitchAsync(new SwitchOptions(), Token);
        Assert.Null(move.Events.OnText);
        Assert.Equal(["\"public\".\"accounts\""], switched.TablesCopiedWhole);
        await AssertEqualAsync(move);
        await migrator.StopAsync(Token);
    }

    [Fact]
    public async Task A_table_that_was_truncated_or_vacuumed_whole_is_not_taken_for_a_rewritten_one()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await Owner.ExecuteAsync(move.Source, "CREATE TABLE public.vacuumed (id integer PRIMARY KEY); CREATE TABLE public.truncated (id integer PRIMARY KEY)", Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        await Owner.ExecuteAsync(move.Source, "VACUUM FULL public.vacuumed", Token);
        await Owner.ExecuteAsync(move.Source, "INSERT INTO public.truncated VALUES (1); TRUNCATE public.truncated; INSERT INTO public.truncated VALUES (2)", Token);
        await migrator.SwitchAsync(new SwitchOptions(), Token);
        Assert.DoesNotContain(move.Events.Texts, text => text.StartsWith("Copied ", StringComparison.Ordinal) && text.Contains(": 1 rows", StringComparison.Ordinal));
        Assert.DoesNotContain(move.Events.Warnings, warning => warning.Contains("vacuumed", StringComparison.Ordinal) || warning.Contains("truncated", StringComparison.Ordinal));
        await AssertEqualAsync(move);
        await migrator.StopAsync(Token);
    }

    [Fact]
    public async Task A_sequence_made_while_replicating_is_told_before_the_fence_with_its_statement()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await TinySchema.CreateAsync(move.Source, Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        await Owner.ExecuteAsync(move.Source, "CREATE SEQUENCE public.\"late One\" AS integer START 7 INCREMENT 3; DROP SEQUENCE public.numbers", Token);

        var status = await migrator.GetStatusAsync(Token);
        Assert.Contains(status.Problems, problem => problem.Contains("late One", StringComparison.Ordinal));
        Assert.False(status.ReadyToSwitch);
        var error = await Assert.ThrowsAsync<MigrationException>(() => migrator.SwitchAsync(new SwitchOptions(), Token));
        Assert.Equal("SwitchRefused", error.ErrorId);
        Assert.DoesNotContain(move.Events.Texts, text => text.StartsWith("Fence closed", StringComparison.Ordinal));
        var statement = error.RecommendedAction[error.RecommendedAction.IndexOf("CREATE SEQUENCE", StringComparison.Ordinal)..];
        await Owner.ExecuteAsync(move.Target, statement[..(statement.IndexOf(';', StringComparison.Ordinal) + 1)], Token);
        await migrator.SwitchAsync(new SwitchOptions(), Token);
        Assert.Contains(move.Events.Warnings, warning => warning.Contains("\"public\".\"numbers\"", StringComparison.Ordinal));
        await move.Target.ExecuteAsync("DROP SEQUENCE public.numbers", Token);
        await AssertEqualAsync(move);
        await migrator.StopAsync(Token);
    }

    [Fact]
    public async Task A_view_or_an_index_made_while_replicating_is_told_before_the_fence()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await TinySchema.CreateAsync(move.Source, Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        await Owner.ExecuteAsync(move.Source, "CREATE MATERIALIZED VIEW public.late AS SELECT count(*) FROM public.accounts; CREATE INDEX late_index ON public.accounts (name)", Token);
        await migrator.SwitchAsync(new SwitchOptions(), Token);
        var warning = Assert.Single(move.Events.Warnings, warning => warning.Contains("late", StringComparison.Ordinal));
        Assert.Contains("materialized view \"public\".\"late\"", warning, StringComparison.Ordinal);
        Assert.Contains("index \"public\".\"late_index\"", warning, StringComparison.Ordinal);
        await migrator.StopAsync(Token);
    }

    private static async Task AssertEqualAsync(LabMove move)
    {
        var comparison = await DatabaseContents.CompareAsync(move.Source, move.Target, Token);
        Assert.True(comparison.AreEqual, comparison.ToString());
    }
}
