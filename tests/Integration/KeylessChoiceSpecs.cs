using HerokuMigrator.Lab;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>What a start does about tables without a usable key, by its option KeylessTable.</summary>
public sealed class KeylessChoiceSpecs(LabPair lab)
{
    private const string Schema = """
        CREATE TABLE public.kept (id integer PRIMARY KEY, a text);
        CREATE TABLE public."Käse.Bröt" (kept integer REFERENCES public.kept, a text DEFAULT 'x');
        CREATE INDEX ON public."Käse.Bröt" (a);
        CREATE TABLE public.log (at integer) PARTITION BY RANGE (at);
        CREATE TABLE public.log_0 PARTITION OF public.log FOR VALUES FROM (0) TO (100);
        INSERT INTO public.kept SELECT n, 'x' FROM generate_series(1, 100) n;
        INSERT INTO public."Käse.Bröt" SELECT n, 'x' FROM generate_series(1, 100) n;
        INSERT INTO public.log SELECT generate_series(1, 99);
        """;

    private static readonly string[] LeftOut = ["\"public\".\"Käse.Bröt\"", "\"public\".\"log_0\"", "\"public\".\"log_1\""];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Tables_that_are_skipped_are_made_and_stay_empty_to_the_end_and_everybody_is_told()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await Owner.ExecuteAsync(move.Source, Schema, Token);
        var before = await SourceFootprint.CaptureAsync(move.Source, Token);
        await using var migrator = move.NewMigrator();
        var plan = await migrator.DescribeStartAsync(new StartOptions { KeylessTable = KeylessTable.Skip }, Token);
        Assert.Contains(plan.Steps, step => step.Contains("Leave 2 tables", StringComparison.Ordinal) && step.Contains(LeftOut[0], StringComparison.Ordinal));

        var started = await migrator.StartAsync(new StartOptions { KeylessTable = KeylessTable.Skip }, Token);
        Assert.Equal(LeftOut[..2], started.TablesLeftOut);
        Assert.Equal((1, 0, 100), (started.Tables, started.TablesCopiedWhole, started.RowsCopied));
        Assert.Contains(move.Events.Warnings, warning => LeftOut[..2].All(table => warning.Contains(table, StringComparison.Ordinal)));
        // Without a word it goes on as before; another word would need another plan.
        Assert.Equal(LeftOut[..2], (await migrator.StartAsync(Token)).TablesLeftOut);
        Assert.Equal("KeylessTableFixed", (await Assert.ThrowsAsync<MigrationException>(() => migrator.StartAsync(new StartOptions { KeylessTable = KeylessTable.Copy }, Token))).ErrorId);

        await Owner.ExecuteAsync(
            move.Source,
            "INSERT INTO public.kept VALUES (101, 'y'); INSERT INTO public.\"Käse.Bröt\" VALUES (101, 'y'); CREATE TABLE public.log_1 PARTITION OF public.log FOR VALUES FROM (100) TO (200); INSERT INTO public.log VALUES (1), (101)",
            Token);
        var switched = await migrator.SwitchAsync(new SwitchOptions(), Token);
        Assert.Empty(switched.TablesCopiedWhole);
        Assert.Equal(LeftOut, switched.TablesLeftOut);
        Assert.Contains("Käse.Bröt", System.Text.RegularExpressions.Regex.Unescape(await File.ReadAllTextAsync(switched.CertificateFile!, Token)), StringComparison.Ordinal);
        await AssertOnlyRowsOfLeftOutDifferAsync(move);
        Assert.Equal(0, await move.AskTargetAsync<long>("SELECT (SELECT count(*) FROM public.\"Käse.Bröt\") + (SELECT count(*) FROM public.log)", Token));

        // What the application writes there is its own, and no undo replaces it by rows that were not wanted.
        await move.Target.ExecuteAsync("INSERT INTO public.\"Käse.Bröt\" VALUES (1, 'target'); UPDATE public.kept SET a = 'target' WHERE id = 1", Token);
        Assert.Equal(["\"public\".\"kept\""], (await migrator.UndoSwitchAsync(Token)).TablesWrittenOnTarget);
        Assert.Equal(LeftOut, (await migrator.GetStatusAsync(Token)).TablesLeftOut);
        await migrator.SwitchAsync(new SwitchOptions(), Token);
        Assert.Equal(1, await move.AskTargetAsync<long>("SELECT count(*) FROM public.\"Käse.Bröt\"", Token));
        await AssertOnlyRowsOfLeftOutDifferAsync(move);

        Assert.Equal(LeftOut, (await migrator.CompleteAsync(Token)).TablesLeftOut);
        Assert.Equal(LeftOut, (await migrator.GetStatusAsync(Token)).TablesLeftOut);
        // But for the partition that the spec itself made.
        Assert.DoesNotContain(before.DifferencesTo(await SourceFootprint.CaptureAsync(move.Source, Token)), line => !line.Contains("log_1", StringComparison.Ordinal) && line.Contains("migrator", StringComparison.Ordinal));
        Assert.Empty(await DatabaseContents.FindMachineryAsync(move.Source.AdminConnectionString, Token));
    }

    [Fact]
    public async Task A_start_that_refuses_them_names_them_and_changes_nothing()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await Owner.ExecuteAsync(move.Source, Schema, Token);
        await AssertRefusedAsync(move, KeylessTable.Refuse, "KeylessTablesRefused", LeftOut[0]);
        await using var migrator = move.NewMigrator();
        await Owner.ExecuteAsync(move.Source, "DROP TABLE public.\"Käse.Bröt\", public.log", Token);
        Assert.Equal(MigrationPhase.Replicating, (await migrator.StartAsync(new StartOptions { KeylessTable = KeylessTable.Refuse }, Token)).Phase);
        await migrator.StopAsync(Token);
    }

    [Fact]
    public async Task Rows_that_others_refer_to_cannot_be_skipped()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await Owner.ExecuteAsync(
            move.Source,
            """
            CREATE TABLE public.codes (code text UNIQUE);
            CREATE TABLE public.coded (id integer PRIMARY KEY, code text REFERENCES public.codes (code)) PARTITION BY RANGE (id);
            CREATE TABLE public.coded_0 PARTITION OF public.coded FOR VALUES FROM (0) TO (10);
            INSERT INTO public.codes VALUES ('a'); INSERT INTO public.coded VALUES (1, 'a')
            """,
            Token);
        await AssertRefusedAsync(move, KeylessTable.Skip, "LeftOutReferenced", "\"public\".\"codes\"");
    }

    private static async Task AssertRefusedAsync(LabMove move, KeylessTable choice, string errorId, string subject)
    {
        var before = await SourceFootprint.CaptureAsync(move.Source, Token);
        await using var migrator = move.NewMigrator();
        var exception = await Assert.ThrowsAsync<MigrationException>(() => migrator.StartAsync(new StartOptions { KeylessTable = choice }, Token));
        Assert.Equal((errorId, subject, true), (exception.ErrorId, exception.Subject, exception.IsRefusal));
        Assert.Contains(subject, exception.Message, StringComparison.Ordinal);
        Assert.Empty(before.DifferencesTo(await SourceFootprint.CaptureAsync(move.Source, Token)));
        Assert.Null(await move.PhaseAsync(Token));
        Assert.False(Directory.Exists(move.Home));
    }

    private static async Task AssertOnlyRowsOfLeftOutDifferAsync(LabMove move)
    {
        var comparison = await DatabaseContents.CompareAsync(move.Source, move.Target, Token);
        Assert.Equal(["table public.\"Käse.Bröt\"", "table public.log_0", "table public.log_1"], comparison.Differences.Select(line => line[..line.IndexOf(": ", StringComparison.Ordinal)]).Where(name => !name.StartsWith("extension", StringComparison.Ordinal)));
    }
}
