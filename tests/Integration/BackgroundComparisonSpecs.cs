using HerokuMigrator.Lab;
using HerokuMigrator.Operations;
using HerokuMigrator.State;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>What the worker compares beside its watch.</summary>
public sealed class BackgroundComparisonSpecs(LabPair lab)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_table_is_compared_while_writes_go_on_and_again_once_that_is_old()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await TinySchema.CreateAsync(move.Source, Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(new StartOptions { CompareEveryHours = 1 }, Token);
        await using var writers = Workload.StartTiny(move.Source, new WorkloadOptions { TransactionsPerSecond = 50, TruncateEvery = null });
        await using var session = await MigrationSession.OpenAsync(move.Options, "spec", move.Events, Token);
        // What the worker does at each of its beats.
        session.StartOptions = (await session.RequireMigrationAsync(Token)).Options;
        await using var comparison = new BackgroundComparison(session);

        var all = await BeatUntilAsync(migrator, comparison, proofs => proofs.Count == 6);
        Assert.All(all, proof => Assert.NotNull(proof.ProvenAt));

        await writers.StopAsync();
        // A change that is still to be replayed would put the planted difference right again.
        while ((await migrator.GetStatusAsync(Token)).Backlog is not 0)
        {
            await Task.Delay(100, Token);
        }

        await move.Target.ExecuteAsync("UPDATE \"Mixed Case\".\"Käse.Bröt\" SET \"select\" = 'other' WHERE ctid = (SELECT min(ctid) FROM \"Mixed Case\".\"Käse.Bröt\")", Token);
        // Nobody waits an hour here; it is as if the last comparison were that old.
        await move.Target.ExecuteAsync("UPDATE heroku_migrator.compared_table SET compared_at = compared_at - interval '2 hours' WHERE table_name = 'Käse.Bröt'", Token);
        await BeatUntilAsync(migrator, comparison, proofs => proofs.Any(proof => proof is { Outcome: ComparisonOutcome.Different, Table: "\"Mixed Case\".\"Käse.Bröt\"" }));
        Assert.Contains((await migrator.GetStatusAsync(Token)).Problems, problem => problem.Contains("Käse.Bröt", StringComparison.Ordinal));
        await migrator.StopAsync(Token);
    }

    [Fact]
    public async Task It_gives_way_to_a_comparison_by_hand()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await TinySchema.CreateAsync(move.Source, Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(new StartOptions { CompareEveryHours = 1 }, Token);
        await using var session = await MigrationSession.OpenAsync(move.Options, "spec", move.Events, Token);
        session.StartOptions = (await session.RequireMigrationAsync(Token)).Options;
        await using var comparison = new BackgroundComparison(session);
        await using (await OperatorLock.TakeForComparisonAsync(session, Token))
        {
            for (var beat = 0; beat < 5; beat++)
            {
                await comparison.BeatAsync(Token);
                await Task.Delay(100, Token);
            }

            Assert.Empty((await migrator.GetStatusAsync(Token)).Proofs);
        }

        await BeatUntilAsync(migrator, comparison, proofs => proofs.Count > 0);
        await migrator.StopAsync(Token);
    }

    private static async Task<IReadOnlyList<TableProof>> BeatUntilAsync(Migrator migrator, BackgroundComparison comparison, Func<IReadOnlyList<TableProof>, bool> enough)
    {
        for (var beat = 0; beat < 600; beat++)
        {
            await comparison.BeatAsync(Token);
            if ((await migrator.GetStatusAsync(Token)).Proofs is var proofs && enough(proofs))
            {
                return proofs;
            }

            await Task.Delay(100, Token);
        }

        throw new TimeoutException("The tables were not compared.");
    }
}
