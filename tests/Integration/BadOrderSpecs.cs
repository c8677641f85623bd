using HerokuMigrator.Lab;
using Npgsql;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>Commands at the wrong time, by the wrong name, or beside another operator.</summary>
public sealed class BadOrderSpecs(LabPair lab)
{
    private static readonly string[] Verbs = ["start", "suspend", "resume", "switch", "undo", "complete", "stop"];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_name_that_is_no_name_is_refused()
    {
        await using var move = await lab.NewMoveAsync(Token);
        var input = await BadInput.OnAsync(move);

        foreach (var name in new[] { "../x", "a/b", ".hidden", "two words", "" })
        {
            foreach (var verb in Verbs.Append("status").Append("test"))
            {
                (await input.FailInEngineAsync(verb, move.Options with { Name = name })).MustBe("InvalidName", ErrorKind.InvalidArgument, 1, "Use letters, digits");
            }

            var usage = await input.FailInFaceAsync(FaceCall.Of(move, "start", "--json") with { Name = name });
            Assert.Equal(("Usage", 2), (usage.Id, usage.ExitCode));
        }

        Assert.Empty(Directory.EnumerateFileSystemEntries(move.StateRoot));
        await input.NothingChangedAsync();
    }

    [Fact]
    public async Task Connections_that_nobody_named_are_asked_for()
    {
        await using var move = await lab.NewMoveAsync(Token);
        var input = await BadInput.OnAsync(move);

        var call = FaceCall.Of(move, "start", "--json");
        (await input.FailInFaceAsync(call with { Source = null })).MustBe("ConnectionMissing", ErrorKind.InvalidArgument, 3, "Set HEROKU_URL").MustSay("source");
        (await input.FailInFaceAsync(call with { Target = null })).MustBe("ConnectionMissing", ErrorKind.InvalidArgument, 3, "Set PLANETSCALE_URL").MustSay("target");
        (await input.FailInFaceAsync(call with { Source = "", Target = " ", Verb = "switch" })).MustBe("ConnectionMissing", ErrorKind.InvalidArgument, 3, "--source");
        Assert.Empty(Directory.EnumerateFileSystemEntries(move.StateRoot));
        await input.NothingChangedAsync();
    }

    [Fact]
    public async Task An_unknown_migration_is_told_by_every_verb_that_needs_one()
    {
        await using var move = await lab.NewMoveAsync(Token);
        var input = await BadInput.OnAsync(move);

        foreach (var verb in Verbs.Except(["start"]))
        {
            (await input.FailInEngineAsync(verb, move.Options)).MustBe("MigrationUnknown", ErrorKind.ObjectNotFound, 3, "Start-BucardoSync");
        }

        foreach (var verb in new[] { "switch", "stop" })
        {
            (await input.FailAsync(verb)).MustBe("MigrationUnknown", ErrorKind.ObjectNotFound, 3, "Start-BucardoSync");
        }

        foreach (var verb in new[] { "suspend", "resume", "switch", "undo" })
        {
            (await input.FailInFaceAsync(FaceCall.Of(move, verb, "--what-if", "--json"))).MustBe("MigrationUnknown", ErrorKind.ObjectNotFound, 3, "Start-BucardoSync");
        }

        await using var migrator = move.NewMigrator();
        Assert.Equal(MigrationPhase.NotStarted, (await migrator.GetStatusAsync(Token)).Phase);
        Assert.Empty(Directory.EnumerateFileSystemEntries(move.StateRoot));
        await input.NothingChangedAsync();
    }

    [Fact]
    public async Task A_verb_in_the_wrong_phase_and_a_name_or_a_source_of_another_migration_are_refused()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await using var elsewhere = await lab.NewMoveAsync(Token);
        await TinySchema.CreateAsync(move.Source, Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        var input = await BadInput.OnAsync(move);

        foreach (var (phase, refused) in WrongVerbs)
        {
            await SetPhaseAsync(move, phase);
            foreach (var verb in refused)
            {
                var failure = await input.FailInEngineAsync(verb, move.Options);
                failure.MustBe("WrongPhase", ErrorKind.InvalidOperation, 3, "-").MustSay(phase.ToString());
                Assert.Matches("(Start|Stop|Complete|Get|Resume|Undo|Invoke)-[A-Z]", failure.Action);
            }

            Assert.Equal(phase.ToString(), await move.PhaseAsync(Token));
        }

        await SetPhaseAsync(move, MigrationPhase.Replicating);
        (await input.FailAsync("undo")).MustBe("WrongPhase", ErrorKind.InvalidOperation, 3, "Get-SyncStatus");
        foreach (var verb in Verbs.Append("status"))
        {
            (await input.FailInEngineAsync(verb, move.Options with { Name = "another" })).MustBe("OtherMigrationOnTarget", ErrorKind.ResourceExists, 3, "-Name spec");
        }

        (await input.FailAsync("start", options => options with { Name = "another" })).MustBe("OtherMigrationOnTarget", ErrorKind.ResourceExists, 3, "-Name spec");
        (await input.FailAsync("start", options => options with { Name = "another", TargetUrl = elsewhere.Target.Url })).MustBe("OtherMigrationOnSource", ErrorKind.ResourceExists, 3, "Stop-Migration");
        foreach (var verb in Verbs)
        {
            (await input.FailInEngineAsync(verb, move.Options with { SourceUrl = elsewhere.Source.Url })).MustBe("NameInUse", ErrorKind.ResourceExists, 3, "-");
            (await input.FailInEngineAsync(verb, move.Options with { TargetUrl = elsewhere.Target.Url })).MustBe("NameInUse", ErrorKind.ResourceExists, 3, "-");
        }

        // From another machine, whose home does not know better.
        foreach (var verb in new[] { "start", "resume", "switch", "stop" })
        {
            (await input.FailInEngineAsync(verb, elsewhere.Options with { TargetUrl = move.Target.Url })).MustBe("OtherSource", ErrorKind.InvalidArgument, 3, "-");
        }

        await input.NothingChangedAsync();
        Assert.True((await migrator.GetStatusAsync(Token)).DaemonRunning);
        await migrator.StopAsync(Token);
    }

    [Fact]
    public async Task A_second_operator_is_told_who_works_on_it()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await TinySchema.CreateAsync(move.Source, Token);
        var input = await BadInput.OnAsync(move);
        await using var holding = new NpgsqlConnection(move.Source.AdminConnectionString);
        await holding.OpenAsync(Token);
        await using var transaction = await holding.BeginTransactionAsync(Token);
        await using (var hold = new NpgsqlCommand("LOCK TABLE public.accounts IN ROW EXCLUSIVE MODE", holding))
        {
            // It has to wait for this with its capture, so nobody else can come too late.
            await hold.ExecuteNonQueryAsync(Token);
        }

        var start = FaceCall.Of(move, "start", "--json").RunAsync(Token);
        // Only then it is certain that the worker has the operator lock.
        const string Waiting = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'heroku-migrator starting %' AND wait_event_type = 'Lock')";
        for (var wait = 0; wait < 3000 && !await move.AskSourceAsync<bool>(Waiting, Token); wait++)
        {
            await Task.Delay(20, Token);
        }

        // A stop ends the worker of this machine, and a suspension is told that there is nothing to suspend yet.
        var others = Verbs.Except(["stop", "suspend"]).Select(verb => Task.Run(() => input.FailInEngineAsync(verb, move.Options), Token)).ToList();
        var refusals = await Task.WhenAll(others);
        await transaction.RollbackAsync(Token);
        var first = await start;

        Assert.True(first.ExitCode == 0, first.Output + first.Errors);
        var canary = Canary.Of(move);
        foreach (var refusal in refusals)
        {
            refusal.MustBe("MigrationLocked", ErrorKind.ResourceBusy, 3, "Get-SyncStatus")
                .MustSay("heroku-migrator start", $" {Environment.UserName}@{Environment.MachineName} pid ", "since");
            canary.MustBeAbsentFrom("the refusal of a second operator", refusal.ToString());
        }

        await using var migrator = move.NewMigrator();
        await migrator.StopAsync(Token);
    }

    private static readonly (MigrationPhase Phase, string[] Verbs)[] WrongVerbs =
    [
        (MigrationPhase.Preparing, ["suspend", "resume", "switch", "undo", "complete"]),
        (MigrationPhase.Copying, ["suspend", "resume", "switch", "undo", "complete"]),
        (MigrationPhase.CatchingUp, ["suspend", "resume", "switch", "undo", "complete"]),
        (MigrationPhase.Replicating, ["undo", "complete"]),
        (MigrationPhase.Suspended, ["switch", "undo", "complete"]),
        (MigrationPhase.Switching, ["start", "suspend", "resume", "complete"]),
        (MigrationPhase.Switched, ["start", "suspend", "resume"]),
        (MigrationPhase.Completing, ["start", "suspend", "resume", "switch", "undo"]),
        (MigrationPhase.Aborted, ["start", "suspend", "resume", "switch", "undo", "complete"]),
    ];

    private static Task SetPhaseAsync(LabMove move, MigrationPhase phase) =>
        move.Target.ExecuteAsync($"UPDATE heroku_migrator.migration SET phase = '{phase}'", Token);
}
