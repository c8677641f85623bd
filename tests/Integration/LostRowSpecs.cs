using HerokuMigrator.Bucardo;
using HerokuMigrator.Catalog;
using HerokuMigrator.Lab;
using HerokuMigrator.Operations;
using Npgsql;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>
/// Two transactions that began in the same microsecond, with a run of the sync between their commits: stock Bucardo marks the second one's
/// change as done when it replays the first one's, and never sends it. (Bucardo issue 216.)
/// </summary>
public sealed class LostRowSpecs(LabPair lab)
{
    private const string Table = "CREATE TABLE public.twins (id integer PRIMARY KEY, name text)";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Stock_Bucardo_loses_the_later_of_two_transactions_of_the_same_microsecond()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await ExecuteAsOwnerAsync(move.Source, Table);
        await ExecuteAsOwnerAsync(move.Target, Table);
        foreach (var database in new LabDatabase[] { move.Source, move.Target })
        {
            await ExecuteAsOwnerAsync(database, "CREATE SCHEMA heroku_migrator; CREATE TABLE heroku_migrator.sentinel (id integer PRIMARY KEY, mark text NOT NULL)");
        }

        await using var session = await MigrationSession.OpenAsync(move.Options, "spec", move.Events, Token);
        IReadOnlyList<TableInfo> tables;
        await using (var source = await session.OpenSourceAsync(Token))
        {
            tables = (await CatalogReader.ReadAsync(source, Token)).Tables;
        }

        // The sync of ours without the capture of ours: Bucardo finds none, and makes its own.
        await new Replication(session).EnsureRunningAsync(tables, Token);
        await ReplayTwinsAsync(move);

        Assert.Equal("1, 3", await NamesAsync(move));
        await new Replication(session).StopAllAsync(Token);
    }

    [Fact]
    public async Task Our_capture_loses_neither()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await ExecuteAsOwnerAsync(move.Source, Table);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        await ReplayTwinsAsync(move);

        Assert.Equal("1, 2, 3", await NamesAsync(move));
        await migrator.StopAsync(Token);
    }

    /// <summary>Row 1 commits and is replayed; then row 2 of the twin transaction commits; then row 3 of a later one, whose arrival ends the wait.</summary>
    private static async Task ReplayTwinsAsync(LabMove move)
    {
        await using var twins = await FindTwinsAsync(move);
        await twins.First.RunAsync("INSERT INTO public.twins VALUES (1, 'first')");
        await twins.Second.RunAsync("INSERT INTO public.twins VALUES (2, 'second')");
        await twins.First.RunAsync("COMMIT");
        await WaitForAsync(move, 1);
        await twins.Second.RunAsync("COMMIT");
        // Time enough for a run that would send row 2 alone.
        await Task.Delay(TimeSpan.FromSeconds(3), Token);
        await ExecuteAsOwnerAsync(move.Source, "INSERT INTO public.twins VALUES (3, 'later')");
        await WaitForAsync(move, 3);
    }

    /// <summary>Opens transactions in pairs until two have the same now(): no clock is turned, it only takes some thousand tries.</summary>
    private static async Task<Twins> FindTwinsAsync(LabMove move)
    {
        var sessions = new List<Session>();
        for (var number = 0; number < 8; number++)
        {
            sessions.Add(await Session.OpenAsync(move.Source.ConnectionString));
        }

        for (var attempt = 0; attempt < 20_000; attempt++)
        {
            var begun = await Task.WhenAll(sessions.Select(session => session.BeginAsync()));
            var pair = begun.Select((time, at) => (time, at)).GroupBy(one => one.time).FirstOrDefault(group => group.Count() > 1)?.Take(2).ToList();
            foreach (var (session, at) in sessions.Select((session, at) => (session, at)))
            {
                if (pair is null || pair.All(one => one.at != at))
                {
                    await session.RunAsync("ROLLBACK");
                }
            }

            if (pair is not null)
            {
                TestContext.Current.TestOutputHelper?.WriteLine($"Two transactions of the microsecond {pair[0].time} after {attempt + 1} tries.");
                return new Twins(sessions[pair[0].at], sessions[pair[1].at], sessions);
            }
        }

        throw new InvalidOperationException("No two transactions began in the same microsecond.");
    }

    private static async Task WaitForAsync(LabMove move, int id)
    {
        var until = DateTimeOffset.UtcNow + Patience;
        while (!await move.AskTargetAsync<bool>($"SELECT EXISTS (SELECT FROM public.twins WHERE id = {id})", Token))
        {
            Assert.True(DateTimeOffset.UtcNow < until, $"row {id} did not arrive; the target has {await NamesAsync(move)}");
            await Task.Delay(50, Token);
        }
    }

    private static Task<string?> NamesAsync(LabMove move) =>
        move.AskTargetAsync<string>("SELECT string_agg(id::text, ', ' ORDER BY id) FROM public.twins", Token);

    private static async Task ExecuteAsOwnerAsync(LabDatabase database, string sql)
    {
        await using var session = await Session.OpenAsync(database.ConnectionString);
        await session.RunAsync(sql);
    }

    private sealed record Twins(Session First, Session Second, IReadOnlyList<Session> All) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            foreach (var session in All)
            {
                await session.DisposeAsync();
            }
        }
    }

    private sealed class Session(NpgsqlConnection connection) : IAsyncDisposable
    {
        public static async Task<Session> OpenAsync(string connectionString)
        {
            var connection = new NpgsqlConnection(connectionString);
            await connection.OpenAsync(Token);
            return new Session(connection);
        }

        public async Task<DateTime> BeginAsync()
        {
            await RunAsync("BEGIN");
            await using var command = new NpgsqlCommand("SELECT now()", connection);
            return (DateTime)(await command.ExecuteScalarAsync(Token))!;
        }

        public async Task RunAsync(string sql)
        {
            await using var command = new NpgsqlCommand(sql, connection);
            await command.ExecuteNonQueryAsync(Token);
        }

        public ValueTask DisposeAsync() => connection.DisposeAsync();
    }
}
