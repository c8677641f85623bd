using HerokuMigrator.Lab;
using Npgsql;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>Partitions that are made, attached, detached and dropped on the source while it is replicated.</summary>
public sealed class PartitionSpecs(LabPair lab)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    /// <summary>Referenced and referencing, with an index and a trigger that partitions get from their parent; a default partition; one below another; one table without a key.</summary>
    private const string Schema = """
        CREATE TABLE public.kinds (id integer PRIMARY KEY); INSERT INTO public.kinds SELECT generate_series(1, 9);
        CREATE TABLE public.events (id bigint, at integer, kind integer REFERENCES public.kinds, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
        CREATE INDEX ON public.events (kind);
        CREATE TABLE public."events 0" PARTITION OF public.events FOR VALUES FROM (0) TO (100);
        CREATE TABLE public.events_1 PARTITION OF public.events FOR VALUES FROM (100) TO (200);
        CREATE TABLE public.events_2 PARTITION OF public.events FOR VALUES FROM (200) TO (300);
        CREATE TABLE public.events_rest PARTITION OF public.events DEFAULT;
        CREATE TABLE public.late (id bigint, at integer, kind integer, PRIMARY KEY (id, at));
        CREATE TABLE public.log (at integer, line text) PARTITION BY RANGE (at);
        CREATE TABLE public.log_0 PARTITION OF public.log FOR VALUES FROM (0) TO (100);
        CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
        CREATE TRIGGER touched BEFORE INSERT ON public.events FOR EACH ROW EXECUTE FUNCTION public.touch();
        INSERT INTO public.events SELECT n, n % 700, 1 + n % 9 FROM generate_series(1, 2000) n;
        INSERT INTO public.log SELECT n % 100, 'line ' || n FROM generate_series(1, 50) n;
        """;

    private const string Changes = """
        BEGIN;
        CREATE TABLE public.moved (LIKE public.events INCLUDING DEFAULTS);
        WITH gone AS (DELETE FROM public.events WHERE at >= 300 AND at < 400 RETURNING *) INSERT INTO public.moved SELECT * FROM gone;
        ALTER TABLE public.events ATTACH PARTITION public.moved FOR VALUES FROM (300) TO (400);
        INSERT INTO public.late SELECT n, 400, 1 FROM generate_series(1, 20) n;
        DELETE FROM public.events WHERE at >= 400 AND at < 500;
        ALTER TABLE public.events ATTACH PARTITION public.late FOR VALUES FROM (400) TO (500);
        DELETE FROM public.events WHERE at >= 500 AND at < 600;
        CREATE TABLE public.deep PARTITION OF public.events FOR VALUES FROM (500) TO (600) PARTITION BY HASH (id);
        CREATE TABLE public."deep.a" PARTITION OF public.deep FOR VALUES WITH (MODULUS 2, REMAINDER 0);
        CREATE TABLE public."deep.b" PARTITION OF public.deep FOR VALUES WITH (MODULUS 2, REMAINDER 1);
        CREATE TABLE public.log_1 PARTITION OF public.log FOR VALUES FROM (100) TO (200);
        DROP TABLE public.events_1;
        ALTER TABLE public.events DETACH PARTITION public.events_2;
        COMMIT;
        """;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_worker_follows_what_a_job_makes_and_drops_and_the_switch_what_comes_last()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await Owner.ExecuteAsync(move.Source, Schema, Token);
        await using (var start = HostProgram.Start(move, "start"))
        {
            var (exitCode, _, errors) = await start.WaitAsync(Token);
            Assert.True(exitCode == 0, errors);
        }

        await using var writer = PartitionWriter.Start(move.Source);
        await Owner.ExecuteAsync(move.Source, Changes, Token);
        await WaitForAsync(move, "SELECT count(*) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE c.relkind IN ('r', 'p') AND c.relname IN ('moved', 'late', 'deep', 'deep.a', 'deep.b', 'log_1')", 6);
        await WaitForAsync(move, "SELECT count(*) FROM pg_class WHERE relname IN ('events_1', 'events_2')", 1);

        await using var migrator = move.NewMigrator();
        var status = await migrator.WaitUntilReadyAsync(Patience, Token);
        Assert.Empty(status.Problems);
        await Owner.ExecuteAsync(move.Source, "CREATE TABLE public.last PARTITION OF public.events FOR VALUES FROM (1000) TO (1100); INSERT INTO public.events VALUES (1, 1000, 1); DROP TABLE public.\"events 0\"", Token);
        var switched = await migrator.SwitchAsync(new SwitchOptions(), Token);
        Assert.Contains("\"public\".\"log_1\"", switched.TablesCopiedWhole);
        Assert.Contains(move.Events.Texts, text => text.Contains("\"public\".\"last\"", StringComparison.Ordinal));
        await writer.StopAsync();
        Assert.True(writer.Committed > 0);
        await AssertEqualAsync(move);
        await migrator.CompleteAsync(Token);
        var footprint = await SourceFootprint.CaptureAsync(move.Source, Token);
        Assert.DoesNotContain(footprint.Lines, line => line.Contains("bucardo", StringComparison.Ordinal) || line.Contains("heroku_migrator", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_host_that_is_killed_while_it_follows_goes_on_when_it_is_run_again()
    {
        LongSpecs.SkipUnlessWanted();
        await using var move = await lab.NewMoveAsync(Token);
        await Owner.ExecuteAsync(move.Source, Schema, Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        await using var writer = PartitionWriter.Start(move.Source);
        await Owner.ExecuteAsync(move.Source, Changes, Token);
        Assert.Contains((await migrator.GetStatusAsync(Token)).Problems, problem => problem.Contains("\"public\".\"moved\"", StringComparison.Ordinal));
        // Planned, but nothing more; then somewhere between the copy and the attachment.
        foreach (var told in new[] { "SELECT count(*) FROM heroku_migrator.moved_table WHERE table_name = 'moved'", "SELECT count(*) FROM heroku_migrator.moved_table WHERE table_name = 'moved' AND copied_at IS NOT NULL" })
        {
            await using var program = HostProgram.Start(move, "start");
            while (!program.HasExited && await move.AskTargetAsync<long>(told, Token) == 0)
            {
                await Task.Delay(5, Token);
            }

            program.Kill();
            await program.WaitAsync(Token);
        }

        await migrator.StartAsync(Token);
        Assert.Empty((await migrator.GetStatusAsync(Token)).Problems);
        await migrator.SwitchAsync(new SwitchOptions(), Token);
        await writer.StopAsync();
        await AssertEqualAsync(move);
        await migrator.StopAsync(Token);
    }

    [Fact]
    public async Task A_partition_that_appears_right_before_the_fence_closes_is_not_lost()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await Owner.ExecuteAsync(move.Source, Schema, Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        move.Events.OnText = text =>
        {
            if (text.StartsWith("Switching:", StringComparison.Ordinal))
            {
                move.Events.OnText = null;
                Owner.Execute(move.Source, "CREATE TABLE public.sudden PARTITION OF public.events FOR VALUES FROM (2000) TO (2100); INSERT INTO public.events VALUES (1, 2000, 1)");
            }
        };
        var error = await Assert.ThrowsAsync<MigrationException>(() => migrator.SwitchAsync(new SwitchOptions(), Token));
        Assert.Equal("SwitchRefused", error.ErrorId);
        Assert.Equal(nameof(MigrationPhase.Replicating), await move.PhaseAsync(Token));
        await migrator.SwitchAsync(new SwitchOptions(), Token);
        await AssertEqualAsync(move);
        await migrator.StopAsync(Token);
    }

    private static async Task WaitForAsync(LabMove move, string sql, long wanted)
    {
        var until = DateTimeOffset.UtcNow + Patience;
        while (await move.AskTargetAsync<long>(sql, Token) != wanted)
        {
            Assert.True(DateTimeOffset.UtcNow < until, File.ReadAllText(Path.Combine(move.Home, "worker.log")));
            await Task.Delay(200, Token);
        }
    }

    private static async Task AssertEqualAsync(LabMove move)
    {
        var comparison = await DatabaseContents.CompareAsync(move.Source, move.Target, Token);
        Assert.True(comparison.AreEqual, comparison.ToString());
        const string tree = """
            SELECT string_agg(format('%s of %s %s', c.oid::regclass, i.inhparent::regclass, pg_get_expr(c.relpartbound, c.oid)), ', ' ORDER BY c.oid::regclass::text COLLATE "C")
            FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE c.relkind IN ('r', 'p')
            """;
        Assert.Equal(await move.AskSourceAsync<string>(tree, Token), await move.AskTargetAsync<string>(tree, Token));
    }

    /// <summary>Writes through the parents, wherever the rows fall, until the fence refuses it or it is stopped.</summary>
    private sealed class PartitionWriter : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stopping = new();
        private readonly Task _running;

        private PartitionWriter(LabDatabase database) => _running = WriteAsync(database);

        public int Committed { get; private set; }

        public static PartitionWriter Start(LabDatabase database) => new(database);

        public async Task StopAsync()
        {
            await _stopping.CancelAsync();
            await _running;
        }

        public async ValueTask DisposeAsync()
        {
            await StopAsync();
            _stopping.Dispose();
        }

        private async Task WriteAsync(LabDatabase database)
        {
            await using var connection = new NpgsqlConnection(database.ConnectionString);
            await connection.OpenAsync();
            for (var number = 10_000; !_stopping.IsCancellationRequested; number++)
            {
                await using var command = new NpgsqlCommand(
                    $"INSERT INTO public.events VALUES ({number}, {number * 7 % 900}, {1 + (number % 9)}); UPDATE public.events SET kind = {1 + (number % 7)} WHERE id = {number - 50}; DELETE FROM public.events WHERE id = {number - 500}",
                    connection);
                try
                {
                    await command.ExecuteNonQueryAsync();
                    Committed++;
                }
                catch (PostgresException exception) when (exception.SqlState is PostgresErrorCodes.InsufficientPrivilege or PostgresErrorCodes.ReadOnlySqlTransaction
                    or PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.CheckViolation or PostgresErrorCodes.UndefinedTable)
                {
                    // The fence, or a partition that was taken away at this moment.
                }

                await Task.Delay(10);
            }
        }
    }
}
