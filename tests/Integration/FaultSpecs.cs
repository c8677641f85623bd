using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using HerokuMigrator.Lab;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>
/// A switch between whose parties the network fails: never are both sides open, never is a commit lost, and the same command finishes, or writes go on as before.
/// Writers go to the source directly, the migrator by proxies.
/// </summary>
public sealed partial class FaultSpecs(LabPair lab)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    /// <summary>After the word that the fence is being built, in milliseconds; under it things go on for some hundred.</summary>
    private static readonly int[] Moments = [0, 20, 40, 80, 120, 180, 250, 350, 500, 800];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_switch_whose_connections_to_the_source_are_cut_is_finished_or_put_back() =>
        await SwitchThroughFaultsAsync(LongSpecs.AreWanted ? Moments : [100], (source, _) =>
        {
            source.Cut();
            return Task.CompletedTask;
        });

    [Fact]
    public async Task A_hand_over_whose_answer_is_lost_is_not_taken_back()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await TinySchema.CreateAsync(move.Source, Token);
        await using var target = new FaultProxy(move.Target.Server);
        await using var migrator = new Migrator(move.Options with { TargetUrl = target.UrlOf(move.Target) }, move.Events);
        await migrator.StartAsync(Token);
        var cut = Task.CompletedTask;
        move.Events.OnText = text =>
        {
            if (text.StartsWith("Fence closed", StringComparison.Ordinal))
            {
                move.Events.OnText = null;
                // Time enough to see the state before the answer is back.
                target.Delay = TimeSpan.FromMilliseconds(50);
                cut = CutWhenSwitchedAsync(move, target);
            }
        };
        var switched = await migrator.SwitchAsync(new SwitchOptions(), Token);
        await cut;
        Assert.Equal(MigrationPhase.Switched, switched.Phase);
        Assert.Equal(nameof(MigrationPhase.Switched), await move.PhaseAsync(Token));
        Assert.False(await MayWriteAsync(move));
        await migrator.StopAsync(Token);
    }

    private static async Task CutWhenSwitchedAsync(LabMove move, FaultProxy target)
    {
        while (await move.PhaseAsync(Token) != nameof(MigrationPhase.Switched))
        {
            await Task.Delay(1, Token);
        }

        target.Cut();
        target.Delay = TimeSpan.Zero;
    }

    [Fact]
    public async Task A_switch_whose_connections_to_the_target_are_cut_is_finished_or_put_back()
    {
        LongSpecs.SkipUnlessWanted();
        await SwitchThroughFaultsAsync(Moments, (_, target) =>
        {
            target.Cut();
            return Task.CompletedTask;
        });
    }

    [Fact]
    public async Task A_switch_that_loses_both_servers_for_some_seconds_is_finished_or_put_back()
    {
        LongSpecs.SkipUnlessWanted();
        await SwitchThroughFaultsAsync(Moments, async (source, target) =>
        {
            (source.Refuses, target.Refuses) = (true, true);
            source.Cut();
            target.Cut();
            await Task.Delay(5000, Token);
            (source.Refuses, target.Refuses) = (false, false);
        });
    }

    [Fact]
    public async Task A_switch_whose_target_freezes_is_finished_or_put_back()
    {
        LongSpecs.SkipUnlessWanted();
        await SwitchThroughFaultsAsync(Moments, async (_, target) =>
        {
            target.Freeze();
            await Task.Delay(5000, Token);
            target.Thaw();
        });
    }

    [Fact]
    public async Task A_switch_over_a_slow_network_is_finished()
    {
        LongSpecs.SkipUnlessWanted();
        await SwitchThroughFaultsAsync([0], (source, target) =>
        {
            (source.Delay, target.Delay) = (TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(20));
            return Task.CompletedTask;
        });
    }

    [Fact]
    public async Task A_switch_one_of_whose_servers_crashes_and_comes_back_is_finished_or_put_back()
    {
        LongSpecs.SkipUnlessWanted();
        // Servers of its own, as no other spec shall lose its sessions.
        await using var heroku = await HerokuLikeServer.StartAsync(Token);
        await using var planetScale = await PlanetScaleLikeServer.StartAsync(Token);
        await using var move = new LabMove(await heroku.CreateDatabaseAsync(Token), await planetScale.CreateDatabaseAsync(Token));
        var servers = new[] { heroku.Server, planetScale.Server };
        var next = 0;
        await SwitchThroughFaultsAsync(move, [.. Moments, .. Moments], (_, _) => servers[next++ / Moments.Length].RestartAsync(Token));
    }

    private async Task SwitchThroughFaultsAsync(int[] moments, Func<FaultProxy, FaultProxy, Task> fault)
    {
        await using var move = await lab.NewMoveAsync(Token);
        await SwitchThroughFaultsAsync(move, moments, fault);
    }

    private static async Task SwitchThroughFaultsAsync(LabMove move, int[] moments, Func<FaultProxy, FaultProxy, Task> fault)
    {
        await TinySchema.CreateAsync(move.Source, Token);
        await using var source = new FaultProxy(move.Source.Server);
        await using var target = new FaultProxy(move.Target.Server);
        await using var migrator = new Migrator(move.Options with { SourceUrl = source.UrlOf(move.Source), TargetUrl = target.UrlOf(move.Target) }, move.Events);
        await migrator.StartAsync(Token);
        await using var writers = Workload.StartTiny(move.Source, new WorkloadOptions { TransactionsPerSecond = 100 });
        var outcomes = new List<string>();
        foreach (var moment in moments)
        {
            await writers.WaitForCommitsAsync(20, Patience, Token);
            outcomes.Add($"{moment} ms: {await TrySwitchAsync(move, migrator, moment, () => fault(source, target))}");
            await SwitchAsync(migrator, outcomes);
            await AssertNothingLostAsync(move, writers);
            await migrator.UndoSwitchAsync(Token);
        }

        TestContext.Current.TestOutputHelper?.WriteLine(string.Join('\n', outcomes));
        await migrator.StopAsync(Token);
    }

    /// <summary>One call that the fault meets; what it came to.</summary>
    private static async Task<string> TrySwitchAsync(LabMove move, Migrator migrator, int moment, Func<Task> fault)
    {
        var failing = Task.CompletedTask;
        move.Events.OnText = text =>
        {
            if (text.StartsWith("Switching:", StringComparison.Ordinal))
            {
                move.Events.OnText = null;
                failing = Task.Run(async () =>
                {
                    await Task.Delay(moment, Token);
                    await fault();
                }, Token);
            }
        };
        var error = (MigrationException?)null;
        try
        {
            await migrator.SwitchAsync(new SwitchOptions { TimeoutSeconds = 20 }, Token);
        }
        catch (MigrationException exception)
        {
            error = exception;
        }
        finally
        {
            move.Events.OnText = null;
            await failing;
        }

        var (phase, mayWrite) = (await move.PhaseAsync(Token), await MayWriteAsync(move));
        Assert.False(phase == nameof(MigrationPhase.Switched) && mayWrite, "The state says Switched, and the source may be written to.");
        return error is null ? "switched" : $"{error.ErrorId}, and then {phase}, {(mayWrite ? "writes go on" : "fenced")}";
    }

    /// <summary>The same command, until it is done.</summary>
    private static async Task SwitchAsync(Migrator migrator, List<string> outcomes)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                await migrator.SwitchAsync(new SwitchOptions(), Token);
                return;
            }
            catch (MigrationException exception) when (clock.Elapsed < Patience)
            {
                outcomes.Add($"    again: {exception.ErrorId}");
                await Task.Delay(500, Token);
            }
        }
    }

    private static async Task AssertNothingLostAsync(LabMove move, Workload writers)
    {
        Assert.False(await MayWriteAsync(move));
        var ledger = await LedgerCheck.CompareAsync(writers.Ledger, move.Target.AdminConnectionString, Token);
        Assert.True(ledger.IsComplete, ledger.ToString());
        var comparison = await DatabaseContents.CompareAsync(move.Source, move.Target, Token);
        Assert.True(comparison.Differences.All(IsSkippedByCrash), comparison.ToString());
        Assert.True(
            await move.AskTargetAsync<bool>("SELECT a.last_value >= (SELECT max(id) FROM public.accounts) AND t.last_value >= (SELECT max(id) FROM public.transfers) FROM public.accounts_id_seq a, public.transfers_id_seq t", Token),
            "The target would give a number that a row has.");
    }

    /// <summary>A server logs up to 32 numbers of a sequence ahead, and goes on after them when it comes back: nobody ever got these.</summary>
    private static bool IsSkippedByCrash(string difference) =>
        Sequence().Match(difference) is { Success: true } match && Number(match, "source") - Number(match, "target") is > 0 and <= 32;

    private static long Number(Match match, string side) => long.Parse(match.Groups[side].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^sequence .*: source last_value (?<source>\d+), is_called true, target last_value (?<target>\d+), is_called true$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Sequence();

    private static Task<bool> MayWriteAsync(LabMove move) =>
        move.AskSourceAsync<bool>($"SELECT has_table_privilege('{move.Source.Owner.Name}', 'public.accounts', 'INSERT')", Token);
}
