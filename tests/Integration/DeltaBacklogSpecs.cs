using HerokuMigrator.Capture;
using HerokuMigrator.Lab;
using HerokuMigrator.Operations;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>How the delta tables on the source are kept while the application writes.</summary>
public sealed class DeltaBacklogSpecs(LabPair lab)
{
    private const string AnalysedByUs = "SELECT pg_stat_get_last_analyze_time(to_regclass($1)) IS NOT NULL";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Each ANALYZE costs every session of the application a look through its cached plans, so small delta tables are spared it.</summary>
    [Fact]
    public async Task A_purge_makes_statistics_of_large_delta_tables_alone_and_removes_nothing_that_is_pending()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await Owner.ExecuteAsync(
            move.Source,
            "CREATE TABLE public.busy (id integer PRIMARY KEY); CREATE TABLE public.calm (id integer PRIMARY KEY); INSERT INTO public.calm SELECT generate_series(1, 5)",
            Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        await migrator.SuspendAsync(Token);
        await Owner.ExecuteAsync(move.Source, "INSERT INTO public.busy SELECT generate_series(1, 5000); UPDATE public.calm SET id = id + 100", Token);
        await using var session = await MigrationSession.OpenAsync(move.Options, "spec", move.Events, Token);
        var backlog = new DeltaBacklog(await session.Store.ReadReplayedAsync(Token));
        await using var source = await session.OpenSourceAsync(Token);
        var pending = (await backlog.MeasureAsync(source, Token)).Rows;

        await backlog.PurgeAsync(source, Token);

        Assert.True(await source.ScalarAsync<bool>(AnalysedByUs, Token, "bucardo.delta_public_busy"));
        Assert.False(await source.ScalarAsync<bool>(AnalysedByUs, Token, "bucardo.delta_public_calm"));
        Assert.True(pending >= 5010, $"Only {pending} were captured.");
        Assert.Equal(pending, (await backlog.MeasureAsync(source, Token)).Rows);
        await migrator.StopAsync(Token);
    }
}
