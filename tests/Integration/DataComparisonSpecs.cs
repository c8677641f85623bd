using System.Globalization;
using HerokuMigrator.Lab;
using Npgsql;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>The comparison of both sides: each difference is found and named, and nothing else is.</summary>
public sealed class DataComparisonSpecs(LabPair lab)
{
    private const string Tables = """
        CREATE EXTENSION citext;
        CREATE SCHEMA "Mixed Case";
        CREATE TYPE public.pair AS (a integer, b text);
        CREATE TABLE "Mixed Case"."Käse.Bröt" ("Id" uuid PRIMARY KEY, "se""lect" text, t tsvector, j jsonb, p public.pair, r int4range, i interval);
        CREATE TABLE public.blobs (id integer PRIMARY KEY, data bytea, note varchar(9), c "char");
        CREATE TABLE public.floats (id integer PRIMARY KEY, f8 float8, f4 float4, n numeric);
        CREATE TABLE public.nulls (id integer PRIMARY KEY, t text, tags text[]);
        CREATE TABLE public.composite (a text, b integer, at timestamptz, note text, PRIMARY KEY (a, b));
        CREATE TABLE public.loose (name citext PRIMARY KEY, note text, doubled text GENERATED ALWAYS AS (note || note) STORED);
        CREATE TABLE public.parent (id integer, note text);
        CREATE TABLE public.heir (PRIMARY KEY (id)) INHERITS (public.parent);
        CREATE TABLE public.events (id integer NOT NULL, day date NOT NULL, note text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
        CREATE TABLE public.events_old PARTITION OF public.events FOR VALUES FROM (MINVALUE) TO ('2026-01-01');
        CREATE TABLE public.events_new PARTITION OF public.events FOR VALUES FROM ('2026-01-01') TO (MAXVALUE);
        CREATE TABLE public.still (a integer, t text);
        CREATE TABLE public.written (a integer, t text);
        CREATE TABLE public.bare ();
        CREATE TABLE public.ordered (id bigint PRIMARY KEY, filler text);
        CREATE TABLE public.scattered (id uuid PRIMARY KEY, filler text);
        INSERT INTO "Mixed Case"."Käse.Bröt" SELECT md5(g::text)::uuid, E'tab\t, "quote", back\\slash, ü ' || g, to_tsvector('simple', 'a b c'), jsonb_build_object('n', g), ROW(g, NULL)::public.pair, int4range(g, NULL), g * interval '1 month 1 day 1.5 s' FROM generate_series(1, 300) g;
        INSERT INTO public.blobs SELECT g, decode(repeat(md5(g::text), 300), 'hex'), g, chr(65 + g % 26)::"char" FROM generate_series(1, 50) g;
        INSERT INTO public.floats SELECT g, g / 3.0, g / 3.0, g / 3.0 FROM generate_series(1, 50) g;
        INSERT INTO public.nulls SELECT g, '', ARRAY[NULL, ''] FROM generate_series(1, 50) g;
        INSERT INTO public.composite SELECT 'Schlüssel ''' || g % 7, g, now(), 'x' FROM generate_series(1, 2000) g;
        INSERT INTO public.loose SELECT 'Name ' || g, g FROM generate_series(1, 50) g;
        INSERT INTO public.parent SELECT g, 'own' FROM generate_series(1, 5) g;
        INSERT INTO public.heir SELECT g, 'heir' FROM generate_series(1, 5) g;
        INSERT INTO public.events SELECT g, date '2025-07-01' + g, 'e' FROM generate_series(1, 300) g;
        INSERT INTO public.still SELECT 1, 'twice' FROM generate_series(1, 2) UNION ALL SELECT g, 'once' FROM generate_series(2, 50) g;
        INSERT INTO public.written SELECT g, 'x' FROM generate_series(1, 5) g;
        INSERT INTO public.bare DEFAULT VALUES;
        INSERT INTO public.ordered SELECT g, repeat(md5(g::text), 10) FROM generate_series(1, 6000) g;
        INSERT INTO public.scattered SELECT md5(g::text)::uuid, repeat(md5(g::text), 10) FROM generate_series(1, 6000) g;
        ANALYZE;
        """;

    /// <summary>What is done to the target behind the replication's back, and how it must be told: the table, the kind, the key, the columns.</summary>
    private static readonly (string Sql, string Table, DifferenceKind Kind, string Key, string Columns)[] Plants =
    [
        ("UPDATE public.blobs SET data = set_byte(data, 4000, get_byte(data, 4000) # 1) WHERE id = 7", "blobs", DifferenceKind.Changed, "\"id\" = '7'", "data"),
        ("UPDATE public.blobs SET c = 'z' WHERE id = 8", "blobs", DifferenceKind.Changed, "\"id\" = '8'", "c"),
        ("DELETE FROM public.blobs WHERE id = 9", "blobs", DifferenceKind.Missing, "\"id\" = '9'", "id,data,note,c"),
        ("UPDATE public.floats SET f8 = 0.33333333333333337 WHERE id = 1", "floats", DifferenceKind.Changed, "\"id\" = '1'", "f8"),
        ("UPDATE public.floats SET f4 = 1.0000001 WHERE id = 3", "floats", DifferenceKind.Changed, "\"id\" = '3'", "f4"),
        ("UPDATE public.floats SET n = 2.0 WHERE id = 6", "floats", DifferenceKind.Changed, "\"id\" = '6'", "n"),
        ("UPDATE public.nulls SET t = NULL WHERE id = 4", "nulls", DifferenceKind.Changed, "\"id\" = '4'", "t"),
        ("UPDATE public.nulls SET tags = ARRAY['', ''] WHERE id = 5", "nulls", DifferenceKind.Changed, "\"id\" = '5'", "tags"),
        ("INSERT INTO public.nulls VALUES (99, 'more')", "nulls", DifferenceKind.Extra, "\"id\" = '99'", "id,t,tags"),
        ("UPDATE public.composite SET at = at + interval '1 microsecond' WHERE b = 1500", "composite", DifferenceKind.Changed, "\"a\" = 'Schlüssel ''2', \"b\" = '1500'", "at"),
        ("UPDATE public.composite SET b = -1 WHERE b = 3", "composite", DifferenceKind.Extra, "\"a\" = 'Schlüssel ''3', \"b\" = '-1'", "a,b,at,note"),
        ("UPDATE public.loose SET note = 'other' WHERE name = 'name 3'", "loose", DifferenceKind.Changed, "\"name\" = 'Name 3'", "note,doubled"),
        ("UPDATE ONLY public.heir SET note = 'HEIR' WHERE id = 2", "heir", DifferenceKind.Changed, "\"id\" = '2'", "note"),
        ("DELETE FROM ONLY public.parent WHERE id = 2", "parent", DifferenceKind.Missing, "", "id,note"),
        ("UPDATE public.events_new SET note = 'E' WHERE id = 290", "events_new", DifferenceKind.Changed, "\"id\" = '290', \"day\" = '2026-04-17'", "note"),
        ("INSERT INTO public.still VALUES (1, 'twice')", "still", DifferenceKind.Extra, "", "a,t"),
        ("UPDATE public.ordered SET filler = overlay(filler placing 'ZZ' from 310) WHERE id = 4321", "ordered", DifferenceKind.Changed, "\"id\" = '4321'", "filler"),
        ("DELETE FROM public.scattered WHERE id = md5('4000')::uuid", "scattered", DifferenceKind.Missing, "\"id\" = '1bd69c7d-f311-2fb9-a584-fbd9edfc6c90'", "id,filler"),
        ("UPDATE \"Mixed Case\".\"Käse.Bröt\" SET \"se\"\"lect\" = replace(\"se\"\"lect\", 'ü', U&'u\\0308') WHERE \"Id\" = md5('1')::uuid", "Käse.Bröt", DifferenceKind.Changed, "\"Id\" = 'c4ca4238-a0b9-2382-0dcc-509a6f75849b'", "se\"lect"),
    ];

    private static readonly ComparisonOptions SmallChunks = new() { ChunkBytes = 256 * 1024 };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static double QuietSeconds => double.Parse(Environment.GetEnvironmentVariable("HEROKU_MIGRATOR_COMPARE_SECONDS") is { Length: > 0 } text ? text : "6", CultureInfo.InvariantCulture);

    [Fact]
    public async Task Each_row_that_differs_is_named_with_its_columns_and_a_repair_heals_it()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await Owner.ExecuteAsync(move.Source, Tables, Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        await Owner.ExecuteAsync(move.Source, "INSERT INTO public.written VALUES (6, 'new')", Token);
        var before = await migrator.CompareAsync(SmallChunks, Token);
        // Whether a table without columns was written cannot be told.
        Assert.All(before.Where(result => result.Table is not ("\"public\".\"written\"" or "\"public\".\"bare\"")), result => Assert.Equal((ComparisonOutcome.Equal, ""), (result.Outcome, result.Detail)));
        Assert.Equal(ComparisonOutcome.NotCompared, Of(before, "written").Outcome);
        Assert.True(Of(before, "ordered").Chunks > 4, Of(before, "ordered").ToString());
        Assert.Equal(6000, Of(before, "scattered").SourceRows);
        Assert.Equal(5, Of(before, "parent").SourceRows);

        foreach (var plant in Plants)
        {
            await Owner.ExecuteAsync(move.Target, plant.Sql, Token);
        }

        var found = await migrator.CompareAsync(SmallChunks, Token);
        AssertFound(found);
        var answer = await FaceCall.Of(move, "verify", "--table", "public.bl*").RunAsync(Token);
        Assert.Equal(1, answer.ExitCode);
        Assert.Contains("Different \"public\".\"blobs\"", answer.Output, StringComparison.Ordinal);

        var status = await migrator.GetStatusAsync(Token);
        Assert.Contains(status.Problems, problem => problem.Contains("Rows differed when they were compared last", StringComparison.Ordinal) && problem.Contains("blobs", StringComparison.Ordinal));
        Assert.All(status.Proofs, proof => Assert.NotNull(proof.ProvenAt));

        var repaired = await migrator.CompareAsync(SmallChunks with { Repair = true }, Token);
        Assert.All(repaired.Where(result => result.RowsDiffering > 0 && result.Table is not ("\"public\".\"still\"" or "\"public\".\"parent\"")), result => Assert.Equal((ComparisonOutcome.Repaired, result.RowsDiffering), (result.Outcome, result.RowsRepaired)));
        Assert.Equal(found.Where(result => result.Outcome == ComparisonOutcome.Different).Select(result => result.RowsDiffering), repaired.Where(result => result.RowsDiffering > 0).Select(result => result.RowsDiffering));
        // Copied under the fence, though nobody has written them on the source.
        Assert.Equal(["\"public\".\"bare\"", "\"public\".\"parent\"", "\"public\".\"still\"", "\"public\".\"written\""], (await migrator.SwitchAsync(new SwitchOptions(), Token)).TablesCopiedWhole.Order(StringComparer.Ordinal));
        Assert.All(await migrator.CompareAsync(SmallChunks, Token), result => Assert.Equal((ComparisonOutcome.Equal, ""), (result.Outcome, result.Detail)));
        var contents = await DatabaseContents.CompareAsync(move.Source, move.Target, Token);
        Assert.True(contents.AreEqual, contents.ToString());
        await migrator.StopAsync(Token);
    }

    [Fact]
    public async Task Nothing_is_said_to_differ_while_writers_write()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await TinySchema.CreateAsync(move.Source, Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        await using var writers = Workload.StartTiny(move.Source, new WorkloadOptions { TransactionsPerSecond = 300 });
        await writers.WaitForCommitsAsync(100, TimeSpan.FromMinutes(1), Token);
        var until = DateTimeOffset.UtcNow.AddSeconds(QuietSeconds);
        var suspected = 0;
        do
        {
            var results = await migrator.CompareAsync(new ComparisonOptions { ChunkBytes = 64 * 1024 }, Token);
            Assert.All(results, result => Assert.True(result.IsGood, $"{result}\n{string.Join('\n', result.Differences)}"));
            Assert.Equal(ComparisonOutcome.NotCompared, Of(results, "views").Outcome);
            suspected += results.Count(result => result.SourceRows != result.TargetRows);
        }
        while (DateTimeOffset.UtcNow < until);

        // Otherwise the target was never behind, and this showed nothing.
        Assert.True(suspected > 0);
        await writers.StopAsync();
        await migrator.StopAsync(Token);
    }

    [Fact]
    public async Task What_waits_to_be_replayed_is_no_difference_and_what_was_never_captured_is_one()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await Owner.ExecuteAsync(move.Source, "CREATE TABLE public.notes (id integer PRIMARY KEY, t text); INSERT INTO public.notes SELECT g, 'old' FROM generate_series(1, 500) g; CREATE TABLE public.emptied (id integer PRIMARY KEY); INSERT INTO public.emptied VALUES (1)", Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        await migrator.SuspendAsync(Token);
        await Owner.ExecuteAsync(move.Source, "UPDATE public.notes SET t = 'new' WHERE id <= 20; DELETE FROM public.notes WHERE id = 30; TRUNCATE public.emptied", Token);
        await move.Source.ExecuteAsync("SET session_replication_role = replica; UPDATE public.notes SET t = 'unseen' WHERE id IN (40, 41)", Token);

        var options = new ComparisonOptions { Patience = TimeSpan.Zero };
        var results = await migrator.CompareAsync(options, Token);
        Assert.Equal((ComparisonOutcome.Different, 2L, 21L), (Of(results, "notes").Outcome, Of(results, "notes").RowsDiffering, Of(results, "notes").RowsUnsettled));
        Assert.Equal(["\"t\" = 'unseen'"], Of(results, "notes").Differences.Select(difference => difference.Source!).Distinct(StringComparer.Ordinal));
        Assert.Equal((ComparisonOutcome.Unproven, 1L), (Of(results, "emptied").Outcome, Of(results, "emptied").RowsUnsettled));
        var refused = await Assert.ThrowsAsync<MigrationException>(() => migrator.CompareAsync(options with { Repair = true }, Token));
        Assert.Equal(("WrongPhase", true), (refused.ErrorId, refused.IsRefusal));

        await migrator.ResumeAsync(Token);
        var repaired = await migrator.CompareAsync(new ComparisonOptions { Repair = true }, Token);
        Assert.Equal((ComparisonOutcome.Repaired, 2L, 2L), (Of(repaired, "notes").Outcome, Of(repaired, "notes").RowsDiffering, Of(repaired, "notes").RowsRepaired));
        Assert.Equal(ComparisonOutcome.Equal, Of(repaired, "emptied").Outcome);
        await migrator.StopAsync(Token);
    }

    [Fact]
    public async Task What_cannot_be_compared_is_refused_and_an_interrupted_comparison_goes_on_and_reads_no_chunk_twice()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await Owner.ExecuteAsync(move.Source, "CREATE TABLE public.ordered (id bigint PRIMARY KEY, filler text); INSERT INTO public.ordered SELECT g, repeat(md5(g::text), 10) FROM generate_series(1, 6000) g; CREATE TABLE public.small (id integer PRIMARY KEY); ANALYZE", Token);
        await using var migrator = move.NewMigrator();
        await FailAsync(migrator, new ComparisonOptions(), "MigrationUnknown");
        await migrator.StartAsync(Token);
        await AssertRefusalsAsync(move, migrator);
        var options = SmallChunks with { Jobs = 1 };
        using var interrupted = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var seen = 0;
        move.Events.OnText = text =>
        {
            if (text.Contains("Comparing both sides", StringComparison.Ordinal) && ++seen == 3)
            {
                interrupted.Cancel();
            }
        };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => migrator.CompareAsync(options, interrupted.Token));
        move.Events.OnText = null;
        Assert.Equal(3, await move.AskTargetAsync<long>("SELECT count(*) FROM heroku_migrator.compared_chunk", Token));
        // One that is compared again would be found to differ.
        await Owner.ExecuteAsync(move.Target, "UPDATE public.ordered SET filler = '' WHERE id = 1", Token);
        var results = await migrator.CompareAsync(options with { Resume = true }, Token);
        Assert.Equal((ComparisonOutcome.Equal, 6000L), (Of(results, "ordered").Outcome, Of(results, "ordered").SourceRows));
        Assert.Contains(move.Events.Texts, text => text.Contains("was interrupted at", StringComparison.Ordinal) && text.Contains("goes on", StringComparison.Ordinal));
        // That one has ended, so there is nothing to go on with.
        Assert.Equal(ComparisonOutcome.Different, Of(await migrator.CompareAsync(options with { Resume = true }, Token), "ordered").Outcome);

        var sample = await migrator.CompareAsync(options with { SamplePercent = 30 }, Token);
        Assert.InRange(sample.Sum(result => result.ChunksCompared), 1, sample.Sum(result => result.Chunks) / 2);
        await migrator.StopAsync(Token);
    }

    private static async Task AssertRefusalsAsync(LabMove move, Migrator migrator)
    {
        await FailAsync(migrator, new ComparisonOptions { Tables = ["public.Small"] }, "UnknownTable");
        await FailAsync(migrator, new ComparisonOptions { Tables = [""] }, "ComparisonOptionInvalid");
        await FailAsync(migrator, new ComparisonOptions { SamplePercent = 0 }, "ComparisonOptionInvalid");
        await FailAsync(migrator, new ComparisonOptions { SamplePercent = double.NaN }, "ComparisonOptionInvalid");
        await FailAsync(migrator, new ComparisonOptions { Jobs = 0 }, "ComparisonOptionInvalid");
        Assert.Equal(2, (await FaceCall.Of(move, "verify", "--sample", "101").RunAsync(Token)).ExitCode);
        await Owner.ExecuteAsync(move.Source, "REVOKE SELECT ON public.small FROM CURRENT_USER", Token);
        var results = await migrator.CompareAsync(new ComparisonOptions(), Token);
        Assert.Equal(ComparisonOutcome.Unproven, Of(results, "small").Outcome);
        Assert.Contains("permission denied", Of(results, "small").Detail, StringComparison.Ordinal);
        await Owner.ExecuteAsync(move.Source, "GRANT SELECT ON public.small TO CURRENT_USER", Token);

        await using var holder = new NpgsqlConnection(move.Target.AdminConnectionString);
        await holder.OpenAsync(Token);
        await using (var take = new NpgsqlCommand("SELECT pg_advisory_lock(x'686d636f6d706172'::bigint)", holder))
        {
            await take.ExecuteNonQueryAsync(Token);
        }

        await FailAsync(migrator, new ComparisonOptions(), "ComparisonRunning");
        await using var give = new NpgsqlCommand("SELECT pg_advisory_unlock_all()", holder);
        await give.ExecuteNonQueryAsync(Token);
    }

    private static async Task FailAsync(Migrator migrator, ComparisonOptions options, string id) =>
        Assert.Equal(id, (await Assert.ThrowsAsync<MigrationException>(() => migrator.CompareAsync(options, Token))).ErrorId);

    private static DataComparison Of(IReadOnlyList<DataComparison> results, string table) => results.Single(result => result.Table.EndsWith($".\"{table}\"", StringComparison.Ordinal));

    private static void AssertFound(IReadOnlyList<DataComparison> found)
    {
        foreach (var (sql, table, kind, key, columns) in Plants)
        {
            var result = Of(found, table);
            Assert.True(result.Outcome == ComparisonOutcome.Different, $"{result} after {sql}");
            Assert.True(
                result.Differences.Any(difference => (difference.Kind, difference.Key, string.Join(',', difference.Columns)) == (kind, key, columns)),
                $"{sql}\n{string.Join('\n', result.Differences.Select(difference => $"{difference} [{string.Join(',', difference.Columns)}]"))}");
        }

        Assert.Equal(Plants.Select(plant => plant.Table).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal), found.Where(result => result.Outcome == ComparisonOutcome.Different).Select(result => result.Table.Split('.', 2)[1].Trim('"')).Order(StringComparer.Ordinal));
        Assert.Equal(4, Of(found, "composite").RowsDiffering + Of(found, "heir").RowsDiffering);
    }
}
