using HerokuMigrator.Lab;
using HerokuMigrator.Readiness;
using Npgsql;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>What goes on at the source while it is looked at.</summary>
public sealed class ReadinessOfLoadSpecs(LabPair lab)
{
    [Fact]
    [Fires("WriteRate")]
    [Fires("DeltaGrowth")]
    public async Task A_source_that_is_written_faster_than_it_could_be_applied_is_a_warning_with_the_busiest_table()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsOwnerAsync("CREATE TABLE public.\"Clicks\" (id bigserial PRIMARY KEY); CREATE TABLE public.quiet (id bigint)", token);

        ReadinessReport report;
        await using (WriterOfMany.Start(move.Source, "INSERT INTO public.\"Clicks\" SELECT FROM generate_series(1, 100000)"))
        {
            report = await ReadinessRunner.RunAsync(move.Options, new ReadinessOptions { Include = ["WriteRate", "DeltaGrowth"] });
        }

        var check = report.Find("WriteRate");
        check.MustBe(CheckStatus.Warning, "\"public\".\"Clicks\"");
        report.Find("DeltaGrowth").MustBe(CheckStatus.Warning, "\"public\".\"Clicks\"");
        Assert.Matches(@"grow by about [\d.]+ [GT]B a day: \d+ rows/s of 106 bytes", report.Find("DeltaGrowth").Finding);
        Assert.Matches(@"Changed rows of all tables: \d+ rows/s in the \d+\.\d s", check.Finding);
    }

    [Fact]
    [Passes("WriteRate")]
    [Passes("DeltaGrowth")]
    public async Task A_quiet_source_passes_with_the_rate_that_was_seen()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsOwnerAsync("CREATE TABLE public.quiet (id bigint)", token);

        var report = await ReadinessRunner.RunAsync(move.Options, new ReadinessOptions { Include = ["WriteRate", "DeltaGrowth"] });

        var check = report.Find("WriteRate");
        check.MustBe(CheckStatus.Pass);
        report.Find("DeltaGrowth").MustBe(CheckStatus.Pass);
        Assert.Contains("0 rows/s in the", check.Finding, StringComparison.Ordinal);
    }

    [Fact]
    [Fires("LongTransactions")]
    [Passes("LongTransactions")]
    public async Task A_transaction_that_only_stays_open_is_a_warning_until_the_remedy_was_run()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        (await move.CheckAsync("LongTransactions")).MustBe(CheckStatus.Pass);
        await using var open = await OpenSession.StartAsync(move.Source, "BEGIN; SELECT 1", token);
        await Task.Delay(1100, token);

        var finding = await move.RunAsync(new LongTransactions { LongSeconds = 1 });

        finding.MustBe(CheckStatus.Warning, $"pid {open.Pid}");
        Assert.Contains("application 'It's a job', idle in transaction, open for", finding.Text, StringComparison.Ordinal);
        await move.Source.ExecuteAsync(finding.Remedy, token);
        (await move.RunAsync(new LongTransactions { LongSeconds = 1 })).MustBe(CheckStatus.Pass);
    }

    [Fact]
    [Fires("LocksHeld")]
    [Passes("LocksHeld")]
    public async Task Who_holds_a_lock_or_waits_for_one_is_named_until_the_remedy_was_run()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsOwnerAsync("CREATE TABLE public.\"Held \"\"up\" (id int); CREATE TABLE public.read (id int)", token);
        await using var reader = await OpenSession.StartAsync(move.Source, "BEGIN; SELECT * FROM public.read", token);
        await using var writer = await OpenSession.StartAsync(move.Source, "BEGIN; INSERT INTO public.\"Held \"\"up\" VALUES (1)", token);
        await using var waiter = await OpenSession.StartAsync(move.Source, "SELECT 1", token);
        var waiting = waiter.ExecuteAsync("ALTER TABLE public.read ADD COLUMN more int");
        await Task.Delay(1100, token);
        (await move.CheckAsync("LocksHeld")).MustBe(CheckStatus.Pass);

        var finding = await move.RunAsync(new LocksHeld { LongSeconds = 1 });

        finding.MustBe(CheckStatus.Warning, "\"public\".\"Held \"\"up\"", "\"public\".\"read\"");
        Assert.Contains($"pid {writer.Pid} (user postgres, application 'It's a job', idle in transaction, open for", finding.Text, StringComparison.Ordinal);
        Assert.Contains("holds RowExclusiveLock on \"public\".\"Held \"\"up\"", finding.Text, StringComparison.Ordinal);
        Assert.Contains("waits for AccessExclusiveLock on \"public\".\"read\"", finding.Text, StringComparison.Ordinal);
        (await move.RunAsync(new LongTransactions { LongSeconds = 1 })).MustBe(CheckStatus.Warning, $"pid {reader.Pid}", $"pid {waiter.Pid}");
        await move.Source.ExecuteAsync(finding.Remedy, token);
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => waiting);
        (await move.RunAsync(new LocksHeld { LongSeconds = 1 })).MustBe(CheckStatus.Pass);
    }

    [Fact]
    [Fires("MaintenanceRunning")]
    [Passes("MaintenanceRunning")]
    public async Task An_index_that_is_being_built_is_a_warning_that_names_its_table()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        (await move.CheckAsync("MaintenanceRunning")).MustBe(CheckStatus.Pass);
        await move.Source.ExecuteAsync(
            """
            CREATE TABLE public."Orders" (id int); INSERT INTO public."Orders" VALUES (1);
            CREATE FUNCTION public.slow(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM pg_catalog.pg_sleep(60); RETURN $1; END';
            """,
            token);
        await using var builder = await OpenSession.StartAsync(move.Source, "SELECT 1", token);
        var building = builder.ExecuteAsync("CREATE INDEX ON public.\"Orders\" (public.slow(id))");
        await builder.WaitUntilActiveAsync(token);

        var check = await move.CheckAsync("MaintenanceRunning");

        check.MustBe(CheckStatus.Warning, "\"public\".\"Orders\"");
        Assert.Contains("CREATE INDEX of \"public\".\"Orders\" by pid", check.Finding, StringComparison.Ordinal);
        await move.Source.ExecuteAsync(check.Remedy, token);
        await move.Source.ExecuteAsync($"SELECT pg_terminate_backend({builder.Pid})", token);
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => building);
    }

    [Fact]
    [Fires("StatisticsFresh")]
    [Passes("StatisticsFresh")]
    public async Task A_table_that_was_never_analysed_is_a_note_until_the_remedy_was_run()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsOwnerAsync(
            "CREATE TABLE public.\"New\" (id int, line text) WITH (autovacuum_enabled = off); INSERT INTO public.\"New\" SELECT i, repeat('x', 1000) FROM generate_series(1, 2000) i", token);

        var check = await move.CheckAsync("StatisticsFresh");

        check.MustBe(CheckStatus.Note, "\"public\".\"New\"");
        Assert.Contains("(never)", check.Finding, StringComparison.Ordinal);
        await move.Source.ExecuteAsOwnerAsync(check.Remedy, token);
        (await move.CheckAsync("StatisticsFresh")).MustBe(CheckStatus.Pass);
    }

    /// <summary>A slot belongs to the whole server, so this spec has one of its own.</summary>
    [Fact]
    [Fires("ReplicationSlots")]
    [Passes("ReplicationSlots")]
    public async Task A_slot_that_nobody_reads_is_a_warning_until_the_remedy_was_run()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await using var server = await HerokuLikeServer.StartAsync(token);
        MigratorOptions FromThere(MigratorOptions options) => options with { SourceUrl = server.Url };
        (await move.CheckAsync("ReplicationSlots", FromThere)).MustBe(CheckStatus.Pass);
        await server.Database.ExecuteAsync("SELECT pg_create_physical_replication_slot('left_behind', true)", token);

        var check = await move.CheckAsync("ReplicationSlots", FromThere);

        check.MustBe(CheckStatus.Warning, "left_behind");
        Assert.Contains("'left_behind' (physical, holds", check.Finding, StringComparison.Ordinal);
        await server.Database.ExecuteAsync(check.Remedy, token);
        (await move.CheckAsync("ReplicationSlots", FromThere)).MustBe(CheckStatus.Pass);
    }

    [Fact]
    [Fires("LockTable")]
    [Passes("LockTable")]
    public async Task A_target_without_room_for_the_locks_of_the_schema_is_a_warning_until_the_remedy_was_run()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        var few = new Dictionary<string, string> { ["max_locks_per_transaction"] = "10", ["max_connections"] = "20", ["max_prepared_transactions"] = "0" };
        await using var server = await PlanetScaleLikeServer.StartAsync(new PostgresServerOptions { Settings = few }, token);
        MigratorOptions ToThere(MigratorOptions options) => options with { TargetUrl = server.Url };
        (await move.CheckAsync("LockTable", ToThere)).MustBe(CheckStatus.Pass);
        await move.Source.ExecuteAsOwnerAsync("DO $$ BEGIN FOR i IN 1..100 LOOP EXECUTE format('CREATE TABLE public.t%s (id bigserial, line text)', i); END LOOP; END $$", token);

        var check = await move.CheckAsync("LockTable", ToThere);

        check.MustBe(CheckStatus.Warning, "target: max_locks_per_transaction");
        await move.Source.ExecuteAsOwnerAsync("DO $$ BEGIN FOR i IN 101..200 LOOP EXECUTE format('CREATE TABLE public.t%s (id bigserial, line text)', i); END LOOP; END $$", token);
        check = await move.CheckAsync("LockTable", ToThere);
        check.MustBe(CheckStatus.Blocked, "target: max_locks_per_transaction");
        await server.Database.ExecuteAsync(check.Remedy, token);
        await server.Server.RestartAsync(token);
        (await move.CheckAsync("LockTable", ToThere)).MustBe(CheckStatus.Pass);
    }

    /// <summary>A session of somebody else that stays open.</summary>
    private sealed class OpenSession : IAsyncDisposable
    {
        private readonly LabDatabase _database;
        private readonly NpgsqlConnection _connection;

        private OpenSession(LabDatabase database)
        {
            _database = database;
            _connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(database.AdminConnectionString) { ApplicationName = "It's a job" }.ConnectionString);
        }

        public int Pid => _connection.ProcessID;

        public static async Task<OpenSession> StartAsync(LabDatabase database, string sql, CancellationToken cancellationToken)
        {
            var session = new OpenSession(database);
            await session._connection.OpenAsync(cancellationToken);
            await session.ExecuteAsync(sql);
            return session;
        }

        public async Task ExecuteAsync(string sql)
        {
            await using var command = new NpgsqlCommand(sql, _connection);
            await command.ExecuteNonQueryAsync();
        }

        /// <summary>Until the server has begun with what the session was last told.</summary>
        public Task WaitUntilActiveAsync(CancellationToken cancellationToken) =>
            _database.ExecuteAsync(
                $"DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM pg_stat_progress_create_index WHERE pid = {Pid}) LOOP PERFORM pg_sleep(0.02); END LOOP; END $$", cancellationToken);

        public ValueTask DisposeAsync() => _connection.DisposeAsync();
    }

    /// <summary>Runs one statement after the other until it is disposed of.</summary>
    private sealed class WriterOfMany : IAsyncDisposable
    {
        private readonly CancellationTokenSource _end = new();
        private readonly Task _writing;

        private WriterOfMany(LabDatabase database, string sql) => _writing = WriteAsync(database, sql);

        public static WriterOfMany Start(LabDatabase database, string sql) => new(database, sql);

        public async ValueTask DisposeAsync()
        {
            await _end.CancelAsync();
            await _writing;
            _end.Dispose();
        }

        private async Task WriteAsync(LabDatabase database, string sql)
        {
            await using var connection = new NpgsqlConnection(database.AdminConnectionString);
            await connection.OpenAsync();
            while (!_end.IsCancellationRequested)
            {
                await using var command = new NpgsqlCommand(sql, connection);
                await command.ExecuteNonQueryAsync();
            }
        }
    }
}
