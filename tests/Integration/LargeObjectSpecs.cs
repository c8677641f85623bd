using System.Globalization;
using HerokuMigrator.Lab;
using Npgsql;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>Large objects that rows refer to, written to until the fence.</summary>
public sealed class LargeObjectSpecs(LabPair lab)
{
    private const string Contents = """
        SELECT coalesce(string_agg(m.oid || ':' || md5(lo_get(m.oid)), ',' ORDER BY m.oid), '') FROM pg_largeobject_metadata m
        """;

    private const string Dangling = "SELECT count(*) FROM public.files f WHERE NOT EXISTS (SELECT FROM pg_largeobject_metadata m WHERE m.oid = f.content)";

    private const string Acls = "SELECT string_agg(m.oid || coalesce(m.lomacl, acldefault('L', m.lomowner))::text, ' ' ORDER BY m.oid) FROM pg_largeobject_metadata m";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Large_objects_written_until_the_fence_arrive_with_their_oids_and_contents_and_again_after_an_undo()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await CreateAsync(move);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var refused = new TaskCompletionSource<PostgresException>();
        var writer = WriteAsync(move.Source, refused, stop.Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);

        var switched = await migrator.SwitchAsync(new SwitchOptions(), Token);
        Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, (await refused.Task.WaitAsync(TimeSpan.FromSeconds(30), Token)).SqlState);
        await writer;
        await MustBeEqualAsync(move);
        Assert.Equal(await move.AskSourceAsync<long>("SELECT count(*) FROM pg_largeobject_metadata", Token), switched.LargeObjectsCopied);

        await migrator.UndoSwitchAsync(Token);
        await Owner.ExecuteAsync(
            move.Source,
            "SELECT lo_put(101, 3, 'changed'); DELETE FROM public.files WHERE content = 102; SELECT lo_unlink(102); INSERT INTO public.files SELECT 9000, lo_from_bytea(9000, 'new')",
            Token);
        await Owner.ExecuteAsync(move.Target, "SELECT lo_put(101, 0, 'only on the target'), lo_from_bytea(9000, 'made on the target')", Token);
        await migrator.WaitUntilReadyAsync(TimeSpan.FromMinutes(3), Token);
        await migrator.SwitchAsync(new SwitchOptions(), Token);
        await MustBeEqualAsync(move);
        await migrator.CompleteAsync(Token);
    }

    [Fact]
    public async Task A_fence_holds_back_writes_to_large_objects_and_its_undoing_gives_each_privilege_back()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await CreateAsync(move);
        await Owner.ExecuteAsync(
            move.Source,
            $"GRANT UPDATE ON LARGE OBJECT 101 TO \"{move.Source.Credential.Name}\"; GRANT SELECT ON LARGE OBJECT 101 TO PUBLIC; GRANT ALL ON LARGE OBJECT 102 TO \"{move.Source.Reader.Name}\" WITH GRANT OPTION",
            Token);
        var before = await move.AskSourceAsync<string>(Acls, Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        var switched = await migrator.SwitchAsync(new SwitchOptions(), Token);
        foreach (var role in new[] { move.Source.Owner, move.Source.Credential })
        {
            Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, await TryAsync(move.Source.ConnectionStringFor(role), "SELECT lo_put(101, 0, 'x')"));
        }

        Assert.NotEqual(before, await move.AskSourceAsync<string>(Acls, Token));
        await Owner.ExecuteAsync(move.Source, "SET default_transaction_read_only = off; SELECT lo_unlink(103)", Token);
        before = string.Join(' ', before!.Split(' ').Where(one => !one.StartsWith("103{", StringComparison.Ordinal)));
        await Owner.ExecuteAsync(move.Source, await File.ReadAllTextAsync(switched.UndoFile!, Token), Token);
        Assert.Null(await TryAsync(move.Source.ConnectionString, "SELECT lo_put(101, 0, 'x')"));
        var error = await Assert.ThrowsAsync<MigrationException>(() => migrator.CompleteAsync(Token));
        Assert.Equal("SourceWritable", error.ErrorId);
        await migrator.UndoSwitchAsync(Token);
        Assert.Equal(before, await move.AskSourceAsync<string>(Acls, Token));
        await migrator.StopAsync(Token);
    }

    [Fact]
    public async Task A_transaction_that_has_one_open_for_writing_is_waited_for()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await CreateAsync(move);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        await using var holder = new NpgsqlConnection(move.Source.ConnectionString);
        await holder.OpenAsync(Token);
        move.Events.OnText = text =>
        {
            if (text.StartsWith("Switching", StringComparison.Ordinal))
            {
                Run(holder, "BEGIN");
                Run(holder, "SELECT lo_open(101, 131072)");
            }
            else if (text.StartsWith("Fence closed", StringComparison.Ordinal))
            {
                move.Events.OnText = null;
                Run(holder, "SELECT lowrite(0, 'late')");
                Run(holder, "COMMIT");
            }
        };
        await migrator.SwitchAsync(new SwitchOptions(), Token);
        Assert.Null(move.Events.OnText);
        Assert.StartsWith("late", System.Text.Encoding.UTF8.GetString((await move.AskTargetAsync<byte[]>("SELECT lo_get(101)", Token))!), StringComparison.Ordinal);
        await MustBeEqualAsync(move);
        await migrator.StopAsync(Token);
    }

    [Fact]
    public async Task A_transaction_that_stays_open_stops_the_switch_before_the_fence_and_is_named()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await CreateAsync(move);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        await using var holder = new NpgsqlConnection(move.Source.ConnectionString);
        await holder.OpenAsync(Token);
        Run(holder, "BEGIN");
        Run(holder, "SELECT lo_open(101, 131072)");
        var error = await Assert.ThrowsAsync<MigrationException>(() => migrator.SwitchAsync(new SwitchOptions(), Token));
        Assert.Equal("SwitchRefused", error.ErrorId);
        Assert.Contains($"pid {holder.ProcessID.ToString(CultureInfo.InvariantCulture)}", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(move.Events.Texts, text => text.StartsWith("Fence closed", StringComparison.Ordinal));
        await migrator.StopAsync(Token);
    }

    /// <summary>One object is larger than a piece of the copy, one ends where a piece ends, one is empty, one has a hole.</summary>
    private static async Task CreateAsync(LabMove move) =>
        await Owner.ExecuteAsync(
            move.Source,
            """
            CREATE TABLE public.files (id integer PRIMARY KEY, content oid NOT NULL);
            INSERT INTO public.files SELECT g, lo_from_bytea((100 + g)::oid, convert_to('content of ' || g, 'UTF8')) FROM generate_series(1, 40) g;
            INSERT INTO public.files VALUES (50, lo_from_bytea(150, convert_to(repeat('0123456789', 300000), 'UTF8'))), (51, lo_from_bytea(151, convert_to(repeat('x', 1048576), 'UTF8'))), (52, lo_create(152)), (53, lo_create(153));
            SELECT lo_put(153, 2500000, 'behind a hole');
            """,
            Token);

    /// <summary>Makes, changes and unlinks objects until it is refused.</summary>
    private static async Task WriteAsync(HerokuLikeDatabase source, TaskCompletionSource<PostgresException> refused, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(source.ConnectionString);
        await connection.OpenAsync(cancellationToken);
        await using (var writable = new NpgsqlCommand("SET default_transaction_read_only = off", connection))
        {
            await writable.ExecuteNonQueryAsync(cancellationToken);
        }

        try
        {
            for (var at = 1000; ; at++)
            {
                var number = at.ToString(CultureInfo.InvariantCulture);
                await using var command = new NpgsqlCommand(
                    $"""
                    SELECT lo_put({(104 + (at % 30)).ToString(CultureInfo.InvariantCulture)}, {(at % 50).ToString(CultureInfo.InvariantCulture)}, '{number}');
                    INSERT INTO public.files SELECT {number}, lo_from_bytea({number}, '{number}');
                    WITH gone AS (DELETE FROM public.files WHERE id = {number} - 3 AND id >= 1000 AND id % 2 = 0 RETURNING content) SELECT lo_unlink(content) FROM gone
                    """,
                    connection);
                await command.ExecuteNonQueryAsync(cancellationToken);
                await Task.Delay(10, cancellationToken);
            }
        }
        catch (PostgresException exception)
        {
            refused.SetResult(exception);
        }
    }

    private static async Task MustBeEqualAsync(LabMove move)
    {
        Assert.Equal(await move.AskSourceAsync<string>(Contents, Token), await move.AskTargetAsync<string>(Contents, Token));
        Assert.Equal(0, await move.AskTargetAsync<long>(Dangling, Token));
        var comparison = await DatabaseContents.CompareAsync(move.Source, move.Target, Token);
        Assert.True(comparison.AreEqual, comparison.ToString());
    }

    private static async Task<string?> TryAsync(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync(Token);
        await using var command = new NpgsqlCommand("SET default_transaction_read_only = off; " + sql, connection);
        try
        {
            await command.ExecuteNonQueryAsync(Token);
            return null;
        }
        catch (PostgresException exception)
        {
            return exception.SqlState;
        }
    }

    private static void Run(NpgsqlConnection connection, string sql)
    {
        using var command = new NpgsqlCommand(sql, connection);
        command.ExecuteNonQuery();
    }
}
