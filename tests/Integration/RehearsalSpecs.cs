using HerokuMigrator.Lab;
using Npgsql;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>A switch that undoes itself, one that meets somebody in the way, and what its certificate says.</summary>
public sealed class RehearsalSpecs(LabPair lab)
{
    private const string Privileges =
        "SELECT string_agg(c.relname || ':' || coalesce(c.relacl::text, ''), E'\\n' ORDER BY c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public'";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_rehearsal_tells_the_pause_and_leaves_the_source_as_it_was_and_replicating()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await TinySchema.CreateAsync(move.Source, Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        await using var writers = Workload.StartTiny(move.Source, new WorkloadOptions { TransactionsPerSecond = 50 });
        var before = await move.AskSourceAsync<string>(Privileges, Token);

        var rehearsed = await migrator.SwitchAsync(new SwitchOptions { Rehearse = true, TimeoutSeconds = 30 }, Token);

        Assert.True(rehearsed is { IsRehearsal: true, Phase: MigrationPhase.Replicating, SafeAt: null, PredictedPauseMs: > 0 });
        Assert.True(rehearsed.WritePauseMs >= rehearsed.PredictedPauseMs, $"{rehearsed.WritePauseMs} ms, {rehearsed.PredictedPauseMs} ms");
        Assert.Contains(rehearsed.Steps, step => step is { Name: "drain and its proof", DurationMs: > 0 });
        Assert.Contains(rehearsed.Compared, sample => sample is { Table: "\"public\".\"accounts\"", Rows: > 0 });
        Assert.Equal(before, await move.AskSourceAsync<string>(Privileges, Token));
        await writers.WaitForCommitsAsync(20, TimeSpan.FromSeconds(30), Token);
        Assert.Equal("Replicating", await move.PhaseAsync(Token));

        // What was rehearsed can be done.
        await writers.StopAsync();
        Assert.Equal(MigrationPhase.Switched, (await migrator.SwitchAsync(new SwitchOptions(), Token)).Phase);
        Assert.True((await LedgerCheck.CompareAsync(writers.Ledger, move.Target.AdminConnectionString, Token)).IsComplete);
        Assert.Empty(writers.Errors);
        await migrator.StopAsync(Token);
    }

    [Fact]
    public async Task Whoever_keeps_the_fence_out_is_named_beforehand_and_ended_where_that_is_asked_for()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await TinySchema.CreateAsync(move.Source, Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        var lockOnly = new SwitchOptions { Rehearse = true, LockOnly = true, LockTimeoutMs = 200 };
        Assert.True(await migrator.SwitchAsync(lockOnly, Token) is { Blockers: [], WritePauseMs: not null, Phase: MigrationPhase.Replicating });
        await using var holder = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(move.Source.ConnectionString) { ApplicationName = "nightly \"job\"", Pooling = false }.ConnectionString);
        await holder.OpenAsync(Token);
        await using var transaction = await holder.BeginTransactionAsync(Token);
        await using (var write = new NpgsqlCommand("INSERT INTO public.views (path) VALUES ('held')", holder))
        {
            await write.ExecuteNonQueryAsync(Token);
        }

        var blocker = Assert.Single((await migrator.SwitchAsync(lockOnly, Token)).Blockers);
        Assert.Equal((holder.ProcessID, move.Source.Owner.Name, "nightly \"job\"", "idle in transaction"), (blocker.ProcessId, blocker.Role, blocker.Application, blocker.State));
        Assert.Equal(["public.views"], blocker.Tables);

        var switched = await migrator.SwitchAsync(new SwitchOptions { LockTimeoutMs = 200, TerminateBlockers = true }, Token);

        Assert.Equal(2, switched.LockAttempts);
        Assert.True(Assert.Single(switched.Blockers) is { Ended: true });
        Assert.False(await move.AskTargetAsync<bool>("SELECT EXISTS (SELECT FROM public.views WHERE path = 'held')", Token));
        await AssertCertifiedAsync(switched);
        Assert.Equal(switched.SafeAt, (await migrator.SwitchAsync(new SwitchOptions(), Token)).SafeAt);
        foreach (var late in new[] { lockOnly, new SwitchOptions { Rehearse = true } })
        {
            Assert.Equal("WrongPhase", (await Assert.ThrowsAsync<MigrationException>(() => migrator.SwitchAsync(late, Token))).ErrorId);
        }

        await migrator.StopAsync(Token);
    }

    [Fact]
    public async Task A_row_that_differs_with_nothing_pending_ends_the_switch_and_writes_go_on()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await TinySchema.CreateAsync(move.Source, Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        await move.Target.ExecuteAsync("UPDATE public.views SET path = path || '!' WHERE ctid = (SELECT min(ctid) FROM public.views)", Token);

        // As long as it takes: a busy machine may not come to this table in the time that is given otherwise.
        var error = await Assert.ThrowsAsync<MigrationException>(() => migrator.SwitchAsync(new SwitchOptions { CompareBudgetMs = 30_000 }, Token));

        Assert.Equal(("DiffersUnderFence", "\"public\".\"views\""), (error.ErrorId, error.Subject));
        await Owner.ExecuteAsync(move.Source, "INSERT INTO public.views (path) VALUES ('goes on')", Token);
        Assert.Equal("Replicating", await move.PhaseAsync(Token));
        await migrator.StopAsync(Token);
    }

    [Fact]
    public async Task An_autovacuum_gives_way_to_capture_to_the_fence_and_to_the_end()
    {
        // A machine of its own, as no other spec shall meet such a vacuum.
        await using var source = await HerokuLikeServer.StartAsync(new PostgresServerOptions { Settings = new Dictionary<string, string>(StringComparer.Ordinal) { ["autovacuum_naptime"] = "1s" } }, Token);
        await using var target = await PlanetScaleLikeServer.StartAsync(Token);
        await using var move = new LabMove(await source.CreateDatabaseAsync(Token), await target.CreateDatabaseAsync(Token));
        await Owner.ExecuteAsync(move.Source, "CREATE TABLE public.large (id integer PRIMARY KEY, note text); INSERT INTO public.large SELECT g, repeat('x', 500) FROM generate_series(1, 5000) g", Token);
        await Owner.ExecuteAsync(move.Source, "ALTER TABLE public.large SET (autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1)", Token);
        await Owner.ExecuteAsync(move.Source, "UPDATE public.large SET note = note || '!'", Token);
        await using var migrator = move.NewMigrator();

        await WaitForVacuumAsync(move);
        await migrator.StartAsync(Token);
        Assert.Contains(move.Events.Texts, text => text.StartsWith("The autovacuum of public.large has given way to capture", StringComparison.Ordinal));
        await WaitForVacuumAsync(move);
        var switched = await migrator.SwitchAsync(new SwitchOptions(), Token);
        Assert.Equal(MigrationPhase.Switched, switched.Phase);
        Assert.Contains(move.Events.Texts, text => text.StartsWith("The autovacuum of public.large has given way to the fence", StringComparison.Ordinal));
        await WaitForVacuumAsync(move);
        var before = move.Events.Texts.Count;
        await migrator.CompleteAsync(Token);
        Assert.Contains(move.Events.Texts.Skip(before), text => text.StartsWith("The autovacuum of public.large has given way to capture", StringComparison.Ordinal));
    }

    private static async Task WaitForVacuumAsync(LabMove move)
    {
        for (var wait = 0; !await move.AskSourceAsync<bool>("SELECT EXISTS (SELECT FROM pg_stat_progress_vacuum)", Token); wait++)
        {
            Assert.True(wait < 300, "No vacuum came.");
            await Task.Delay(100, Token);
        }
    }

    private static async Task AssertCertifiedAsync(TrafficSwitch switched)
    {
        var text = await File.ReadAllTextAsync(switched.CertificateFile!, Token);
        var certificate = System.Text.Json.JsonDocument.Parse(text).RootElement;
        var hash = certificate.GetProperty("sha256").GetString()!;
        Assert.Equal(hash, Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(text.Replace(hash, "", StringComparison.Ordinal)))));
        Assert.Equal("none", certificate.GetProperty("proofs")[0].GetProperty("answer").GetString());
        Assert.Equal("0", certificate.GetProperty("proofs")[1].GetProperty("answer").GetString());
        Assert.Matches(@"^([0-9A-F]{32}) on the source, \1 on the target", certificate.GetProperty("proofs")[2].GetProperty("answer").GetString());
        var views = certificate.GetProperty("privileges").EnumerateArray().Single(one => one.GetProperty("relation").GetString() == "\"public\".\"views\"");
        Assert.Contains("INSERT", string.Join(' ', certificate.GetProperty("fenceStatements").EnumerateArray().Select(statement => statement.GetString())), StringComparison.Ordinal);
        Assert.NotEqual(views.GetProperty("before").ToString(), views.GetProperty("fenced").ToString());
        Assert.NotEmpty(certificate.GetProperty("sequences").EnumerateArray());
        Assert.Contains(hash, await File.ReadAllTextAsync(Path.ChangeExtension(switched.CertificateFile!, ".md"), Token), StringComparison.Ordinal);
    }
}
