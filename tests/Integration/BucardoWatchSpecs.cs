using System.Diagnostics;
using HerokuMigrator.Lab;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>Bucardo dies, loses a database, or loops on an error while nobody looks: the worker notices, tells the true cause, and mends what can be mended.</summary>
public sealed class BucardoWatchSpecs(LabPair lab)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_keeps_bucardo_from_replaying_is_told_and_it_replays_again_once_it_can()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await Owner.ExecuteAsync(move.Source, "CREATE TABLE public.orders (id integer PRIMARY KEY, note text)", Token);
        await StartAsync(move);
        await using var migrator = move.NewMigrator();

        // A row that the target refuses: Bucardo tries again for ever, and nothing else arrives either.
        await Owner.ExecuteAsync(move.Target, "ALTER TABLE public.orders ADD CONSTRAINT \"no sevens\" CHECK (id <> 7)", Token);
        await Owner.ExecuteAsync(move.Source, "INSERT INTO public.orders VALUES (6), (7)", Token);
        await WaitForEventAsync(move, "Runs of the sync fail:%\"no sevens\"%", 1);
        var failing = await migrator.WaitForAsync(status => status.SwitchReasons.Any(reason => reason.Id == "SyncFault"), Token);
        Assert.Equal((SyncHealth.Broken, SwitchReadiness.Blocked), (failing.Health, failing.SwitchReadiness));
        Assert.Contains(failing.Problems, problem => problem.Contains("no sevens", StringComparison.Ordinal));
        await Owner.ExecuteAsync(move.Target, "ALTER TABLE public.orders DROP CONSTRAINT \"no sevens\"", Token);
        await WaitForRowAsync(move, 7);
        await WaitForEventAsync(move, "Bucardo replays again.", 1);
        // What is over is not told any more.
        var healed = await migrator.WaitForAsync(status => status.ReadyToSwitch, Token);
        Assert.Empty(healed.Problems);

        // Its sessions on either side, as a server that restarts would end them.
        foreach (var side in new LabDatabase[] { move.Target, move.Source })
        {
            await side.ExecuteAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name ILIKE 'bucardo%'", Token);
        }

        await Owner.ExecuteAsync(move.Source, "INSERT INTO public.orders VALUES (8)", Token);
        await WaitForRowAsync(move, 8);

        Signal("-KILL", [.. Directory.GetFiles(Path.Combine(move.Home, "bucardo", "pid"), "*.pid").Select(file => new string([.. File.ReadAllText(file).TakeWhile(char.IsAsciiDigit)]))]);
        await Owner.ExecuteAsync(move.Source, "INSERT INTO public.orders VALUES (9)", Token);
        await WaitForRowAsync(move, 9);
        await WaitForEventAsync(move, "Bucardo has ended%", 1);

        Signal("-QUIT", [(await File.ReadAllLinesAsync(Path.Combine(move.Home, "bucardo", "control", "postmaster.pid"), Token))[0]]);
        await Owner.ExecuteAsync(move.Source, "INSERT INTO public.orders VALUES (10)", Token);
        await WaitForRowAsync(move, 10);
        await migrator.WaitForAsync(status => status.ReadyToSwitch, Token);
        await migrator.SwitchAsync(new SwitchOptions(), Token);
        await migrator.StopAsync(Token);
    }

    [Fact]
    public async Task A_server_that_restarts_is_found_again_whichever_it_is()
    {
        LongSpecs.SkipUnlessWanted();
        await using var heroku = await HerokuLikeServer.StartAsync(Token);
        await using var planetScale = await PlanetScaleLikeServer.StartAsync(Token);
        await using var move = new LabMove(await heroku.CreateDatabaseAsync(Token), await planetScale.CreateDatabaseAsync(Token));
        await Owner.ExecuteAsync(move.Source, "CREATE TABLE public.orders (id integer PRIMARY KEY, note text)", Token);
        await StartAsync(move);
        var id = 0;
        foreach (var server in new[] { planetScale.Server, heroku.Server, planetScale.Server })
        {
            await server.RestartAsync(Token);
            await Owner.ExecuteAsync(move.Source, $"INSERT INTO public.orders VALUES ({++id})", Token);
            await WaitForRowAsync(move, id);
        }

        await using var migrator = move.NewMigrator();
        await migrator.WaitForAsync(status => status.ReadyToSwitch, Token);
        await migrator.StopAsync(Token);
    }

    private static async Task StartAsync(LabMove move)
    {
        await using var start = HostProgram.Start(move, "start");
        var (exitCode, _, errors) = await start.WaitAsync(Token);
        Assert.True(exitCode == 0, errors);
    }

    private static void Signal(string signal, string[] pids)
    {
        using var kill = Process.Start("kill", [signal, .. pids.Where(pid => pid.Length > 0)]);
        kill.WaitForExit();
    }

    private static Task WaitForRowAsync(LabMove move, int id) => WaitForAsync(move, $"SELECT count(*) FROM public.orders WHERE id = {id}", 1);

    private static Task WaitForEventAsync(LabMove move, string pattern, int times) =>
        WaitForAsync(move, $"SELECT least(count(*), {times}) FROM heroku_migrator.event WHERE kind = 'bucardo' AND message LIKE '{pattern}'", times);

    private static async Task WaitForAsync(LabMove move, string sql, long wanted)
    {
        var clock = Stopwatch.StartNew();
        while (await move.AskTargetAsync<long>(sql, Token) != wanted)
        {
            Assert.True(clock.Elapsed < Patience, $"{sql}\n{await move.AskTargetAsync<string>("SELECT string_agg(at || ' ' || kind || ': ' || message, E'\\n') FROM heroku_migrator.event", Token)}\n{await File.ReadAllTextAsync(Path.Combine(move.Home, "worker.log"), Token)}");
            await Task.Delay(200, Token);
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{clock.Elapsed.TotalSeconds:0.0} s: {sql}");
    }
}
