using HerokuMigrator.Lab;
using Npgsql;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>Rows whose keys Bucardo cannot carry, in tables that foreign keys and other unique indexes tie to the rest.</summary>
public sealed class AwkwardKeySpecs(LabPair lab)
{
    private const string Tables = """
        CREATE TABLE public.parents (k text PRIMARY KEY, note text);
        CREATE TABLE public.children (id integer PRIMARY KEY, k text REFERENCES public.parents);
        CREATE TABLE public.places (country text, code text, PRIMARY KEY (country, code));
        CREATE TABLE public.visits (id integer PRIMARY KEY, country text, code text, FOREIGN KEY (country, code) REFERENCES public.places);
        INSERT INTO public.parents VALUES ('a', 'plain');
        INSERT INTO public.children VALUES (1, 'a');
        """;

    private const string AwkwardRows = """
        INSERT INTO public.parents VALUES ('', 'empty');
        INSERT INTO public.children VALUES (2, '');
        INSERT INTO public.places VALUES ('back\slash', 'c');
        INSERT INTO public.visits VALUES (1, 'back\slash', 'c');
        """;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Rows_with_awkward_keys_written_during_the_copy_are_there_before_the_foreign_keys()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await Owner.ExecuteAsync(move.Source, Tables, Token);
        var copied = 0;
        move.Events.OnText = text =>
        {
            if (text.StartsWith("Copied ", StringComparison.Ordinal) && Interlocked.Increment(ref copied) == 4)
            {
                Owner.Execute(move.Source, AwkwardRows);
            }
        };
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        Assert.Equal(2, await move.AskTargetAsync<long>("SELECT count(*) FROM pg_constraint WHERE contype = 'f'", Token));

        var switched = await migrator.SwitchAsync(new SwitchOptions(), Token);
        // They were copied once more at the start; nothing has touched such a key since.
        Assert.Empty(switched.TablesCopiedWhole);
        await AssertEqualAsync(move);
        await migrator.StopAsync(Token);
    }

    [Fact]
    public async Task Foreign_keys_on_a_table_whose_awkward_keys_never_rest_wait_for_the_fence()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await Owner.ExecuteAsync(move.Source, Tables + AwkwardRows, Token);
        using var ended = new CancellationTokenSource();
        var writer = WriteAwkwardRowsAsync(move.Source, ended.Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        var switched = await migrator.SwitchAsync(new SwitchOptions(), Token);
        await ended.CancelAsync();
        await writer;
        Assert.Contains("\"public\".\"parents\"", switched.TablesCopiedWhole);
        Assert.Equal(2, await move.AskTargetAsync<long>("SELECT count(*) FROM pg_constraint WHERE contype = 'f'", Token));
        await AssertEqualAsync(move);
        await migrator.StopAsync(Token);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_unique_value_that_passes_from_an_awkward_key_to_another_does_not_stop_the_replay(bool watched)
    {
        await using var move = await lab.NewMoveAsync(Token);
        await Owner.ExecuteAsync(move.Source, "CREATE TABLE public.codes (k text PRIMARY KEY, code integer UNIQUE); INSERT INTO public.codes VALUES ('', 5), ('a', 1)", Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(Token);
        await using var other = move.NewMigrator();
        var watch = watched ? other.WatchAsync(ended.Token) : Task.CompletedTask;
        await Owner.ExecuteAsync(move.Source, "UPDATE public.codes SET code = 6 WHERE k = ''", Token);
        await Owner.ExecuteAsync(move.Source, "UPDATE public.codes SET code = 5 WHERE k = 'a'", Token);
        if (watched)
        {
            var until = DateTimeOffset.UtcNow + Patience;
            while (await move.AskTargetAsync<int>("SELECT code FROM public.codes WHERE k = 'a'", Token) != 5)
            {
                Assert.True(DateTimeOffset.UtcNow < until, "the change did not arrive");
                await Task.Delay(200, Token);
            }

            await ended.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => watch);
        }

        await migrator.SwitchAsync(new SwitchOptions(), Token);
        await AssertEqualAsync(move);
        await migrator.StopAsync(Token);
    }

    private static async Task AssertEqualAsync(LabMove move)
    {
        var comparison = await DatabaseContents.CompareAsync(move.Source, move.Target, Token);
        Assert.True(comparison.AreEqual, comparison.ToString());
    }

    /// <summary>A new row under an awkward key, and a child of it, in each transaction, until the fence refuses them.</summary>
    private static async Task WriteAwkwardRowsAsync(HerokuLikeDatabase source, CancellationToken ended)
    {
        await using var connection = new NpgsqlConnection(source.ConnectionString);
        await connection.OpenAsync(Token);
        for (var id = 10; !ended.IsCancellationRequested; id++)
        {
            await using var command = new NpgsqlCommand(
                $"INSERT INTO public.places VALUES ('new\\', '{id}'); INSERT INTO public.visits VALUES ({id}, 'new\\', '{id}'); UPDATE public.parents SET note = '{id}' WHERE k = ''", connection);
            try
            {
                await command.ExecuteNonQueryAsync(Token);
            }
            catch (PostgresException exception) when (exception.SqlState is PostgresErrorCodes.InsufficientPrivilege or PostgresErrorCodes.ReadOnlySqlTransaction)
            {
                return;
            }

            await Task.Delay(20, Token);
        }
    }
}
