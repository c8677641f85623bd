using System.Globalization;
using HerokuMigrator.Lab;
using Npgsql;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>kill -9 of command and worker at random moments of one copy, under load.</summary>
public sealed class CopyKillSpecs(LabPair lab)
{
    private const int Kills = 20;

    /// <summary>Two tables that are cut into chunks, and some that are not.</summary>
    private const string Tables = """
        CREATE TABLE public.big (id integer PRIMARY KEY, slot integer NOT NULL UNIQUE, filler text);
        INSERT INTO public.big SELECT g, g, repeat(md5(g::text), 40) FROM generate_series(1, 200000) g;
        CREATE TABLE public."Big.2" (part text, id bigint, filler text, PRIMARY KEY (part, id));
        INSERT INTO public."Big.2" SELECT 'p"' || g % 7, g, repeat(md5(g::text), 40) FROM generate_series(1, 120000) g;
        CREATE TABLE public.small_1 (id integer PRIMARY KEY, t text); INSERT INTO public.small_1 SELECT g, md5(g::text) FROM generate_series(1, 5000) g;
        CREATE TABLE public.small_2 (id integer, t text); INSERT INTO public.small_2 SELECT g, md5(g::text) FROM generate_series(1, 5000) g;
        """;

    private const string Checkpoints = "SELECT table_name || ' ' || chunk, copied_at::text || ' ' || rows || ' ' || bytes || ' ' || xmin FROM heroku_migrator.copy_chunk WHERE copied_at IS NOT NULL";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_copy_that_is_killed_again_and_again_copies_no_chunk_twice_and_loses_nothing()
    {
        LongSpecs.SkipUnlessWanted();
        await using var move = await lab.NewMoveAsync(Token);
        await Owner.ExecuteAsync(move.Source, Tables, Token);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var writer = WriteAsync(move.Source, stop.Token);
        // So slow that the copy outlasts the kills: half a gigabyte, and some seconds of it between two of them.
        var rate = Math.Max(1, 180.0 / Kills).ToString("0", CultureInfo.InvariantCulture);
        var seen = new Dictionary<string, string>(StringComparer.Ordinal);
        var kills = 0;
        for (; kills < Kills && !await IsCopiedAsync(move); kills++)
        {
            await using var host = HostProgram.Start(move, "start", "--max-rate-mbps", rate);
            await WaitUntilCopyingAsync(move, host);
            await Task.Delay(Random.Shared.Next(50, 2500), Token);
            if (kills % 4 == 1)
            {
                await WaitForCheckpointAsync(move, host, seen.Count);
            }

            host.KillWithWorker(move);
            await RememberAsync(move, seen);
        }

        await using (var last = HostProgram.Start(move, "start", "--max-rate-mbps", "0"))
        {
            var (exitCode, _, errors) = await last.WaitAsync(Token);
            Assert.True(exitCode == 0, errors);
        }

        var now = await ReadAsync(move);
        await stop.CancelAsync();
        var writes = await writer;
        await using (var change = HostProgram.Start(move, "switch", "--force"))
        {
            var (exitCode, _, errors) = await change.WaitAsync(Token);
            Assert.True(exitCode == 0, errors);
        }

        TestContext.Current.SendDiagnosticMessage($"{kills} kills, {seen.Count} of {now.Count} checkpoints seen before the last start, {writes} transactions");
        Assert.Equal(Kills, kills);
        Assert.True(seen.Count > 0, "No checkpoint was there before the last start.");
        Assert.True(writes > 100, $"Only {writes} transactions were written.");
        Assert.All(seen, checkpoint => Assert.Equal(checkpoint.Value, now[checkpoint.Key]));
        var comparison = await DatabaseContents.CompareAsync(move.Source, move.Target, Token);
        Assert.True(comparison.AreEqual, comparison.ToString());
    }

    /// <summary>Some of the kills must come after something was kept.</summary>
    private static async Task WaitForCheckpointAsync(LabMove move, HostProgram host, int seen)
    {
        for (var wait = 0; wait < 600 && !host.HasExited && (await ReadAsync(move)).Count <= seen; wait++)
        {
            await Task.Delay(100, Token);
        }
    }

    private static async Task<bool> IsCopiedAsync(LabMove move) =>
        await move.PhaseAsync(Token) is not null and not nameof(MigrationPhase.Preparing) and not nameof(MigrationPhase.Copying) and not nameof(MigrationPhase.Failed);

    private static async Task WaitUntilCopyingAsync(LabMove move, HostProgram host)
    {
        for (var wait = 0; wait < 1200 && !host.HasExited; wait++)
        {
            if (HostProgram.WorkerOf(move) is not null && await move.PhaseAsync(Token) == nameof(MigrationPhase.Copying)
                && await move.AskTargetAsync<bool>("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'COPY %' AND state = 'active')", Token))
            {
                return;
            }

            await Task.Delay(50, Token);
        }
    }

    /// <summary>What was seen once must stay as it was.</summary>
    private static async Task RememberAsync(LabMove move, Dictionary<string, string> seen)
    {
        foreach (var (chunk, checkpoint) in await ReadAsync(move))
        {
            if (seen.TryGetValue(chunk, out var before))
            {
                Assert.Equal(before, checkpoint);
            }

            seen[chunk] = checkpoint;
        }
    }

    private static async Task<Dictionary<string, string>> ReadAsync(LabMove move)
    {
        await using var connection = new NpgsqlConnection(move.Target.AdminConnectionString);
        await connection.OpenAsync(Token);
        await using var command = new NpgsqlCommand(Checkpoints, connection);
        await using var reader = await command.ExecuteReaderAsync(Token);
        var rows = new Dictionary<string, string>(StringComparer.Ordinal);
        while (await reader.ReadAsync(Token))
        {
            rows[reader.GetString(0)] = reader.GetString(1);
        }

        return rows;
    }

    /// <summary>Moves rows between blocks, exchanges unique values, deletes, inserts, in each of the tables; returns how often.</summary>
    private static async Task<int> WriteAsync(HerokuLikeDatabase source, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(source.AdminConnectionString);
        await connection.OpenAsync(Token);
        var writes = 0;
        for (; !cancellationToken.IsCancellationRequested; writes++)
        {
            var (from, to, other) = (1 + Random.Shared.Next(200000), 1 + Random.Shared.Next(200000), 1 + Random.Shared.Next(120000));
            await using var command = new NpgsqlCommand(
                $"""
                BEGIN;
                UPDATE public.big SET slot = -{from} WHERE slot = {from};
                UPDATE public.big SET slot = {from}, filler = filler || 'x' WHERE slot = {to} AND {from} <> {to};
                UPDATE public.big SET slot = {to} WHERE slot = -{from};
                UPDATE public."Big.2" SET id = -id, filler = reverse(filler) WHERE id IN ({other}, -{other});
                DELETE FROM public."Big.2" WHERE id = {other} + 1;
                INSERT INTO public."Big.2" VALUES ('new', 1000000 + {writes}, 'x');
                UPDATE public.small_1 SET t = md5(t) WHERE id = {writes} % 5000;
                INSERT INTO public.small_2 VALUES ({writes}, 'late');
                COMMIT
                """,
                connection);
            await command.ExecuteNonQueryAsync(Token);
            await Task.Delay(10, CancellationToken.None);
        }

        return writes;
    }
}
