using System.Text.Json;
using HerokuMigrator.Lab;
using HerokuMigrator.Reporting;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>The report of a migration, through its life and after it.</summary>
public sealed class ReportSpecs(LabPair lab)
{
    private const string Awkward = "<script>Käse.Bröt";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_migration_is_reported_while_it_lives_after_its_switch_and_its_undoing_and_once_it_has_ended()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await TinySchema.CreateAsync(move.Source, Token);
        await move.Source.ExecuteAsOwnerAsync($"CREATE TABLE public.\"{Awkward}\" (id int PRIMARY KEY); INSERT INTO public.\"{Awkward}\" SELECT generate_series(1, 100)", Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        await migrator.CompareAsync(new ComparisonOptions(), Token);
        var living = await ReportAsync(move);
        Assert.Contains("&lt;script&gt;Käse.Bröt", living, StringComparison.Ordinal);
        Assert.DoesNotContain("<script", living, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("Nothing has been switched", living, StringComparison.Ordinal);
        Assert.Contains("shown to be equal", living, StringComparison.Ordinal);

        await migrator.SwitchAsync(new SwitchOptions(), Token);
        Assert.Contains("<span class=\"badge big good\">Switched</span>", await ReportAsync(move), StringComparison.Ordinal);
        await migrator.UndoSwitchAsync(Token);
        Assert.Contains("<span class=\"badge warn\">Undone</span>", await ReportAsync(move), StringComparison.Ordinal);
        await migrator.SwitchAsync(new SwitchOptions(), Token);
        await migrator.CompleteAsync(Token);

        var answer = await new FaceCall("report", "--out", Path.Combine(move.StateRoot, "ended.html"), "--diagnostics", "--json") { StateRoot = move.StateRoot }.RunAsync(Token);
        Assert.True(answer.ExitCode == 0, answer.Errors);
        var written = JsonDocument.Parse(answer.Output).RootElement;
        var ended = await File.ReadAllTextAsync(written.GetProperty("report").GetString()!, Token);
        var diagnostics = await File.ReadAllTextAsync(written.GetProperty("diagnostics").GetString()!, Token);
        Assert.Contains("<span class=\"badge big good\">Completed</span>", ended, StringComparison.Ordinal);
        Assert.Equal(2, Occurrences(ended, "<span class=\"badge good\">Switched</span>"));
        Assert.Equal(1, Occurrences(ended, "<span class=\"badge warn\">Undone</span>"));
        Assert.Contains("As it was found when the migration was begun", ended, StringComparison.Ordinal);
        Assert.Contains("shown to be equal", ended, StringComparison.Ordinal);
        Assert.True(JsonDocument.Parse(diagnostics).RootElement.GetProperty("migration").GetProperty("tables").EnumerateArray().All(table => table.GetProperty("seconds").GetDouble() >= 0));
        foreach (var text in (string[])[living, ended, diagnostics])
        {
            Assert.DoesNotContain(move.Source.Owner.Password, text, StringComparison.Ordinal);
            Assert.DoesNotContain(move.Target.Owner.Password, text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Nothing_is_written_of_a_migration_that_nobody_knows_and_no_file_is_replaced_unasked()
    {
        var root = Directory.CreateTempSubdirectory("hm-report-");
        try
        {
            var file = Path.Combine(root.FullName, "report.html");
            var call = new FaceCall("report", "--out", file, "--json") { StateRoot = root.FullName };
            var answer = await call.RunAsync(Token);
            Assert.Equal((3, "MigrationUnknown"), (answer.ExitCode, answer.ErrorId));
            Assert.Empty(root.EnumerateFileSystemInfos());
            await File.WriteAllTextAsync(file, "old", Token);
            answer = await call.RunAsync(Token);
            Assert.Equal((2, "ReportFileExists"), (answer.ExitCode, answer.ErrorId));
            Assert.Equal("old", await File.ReadAllTextAsync(file, Token));
        }
        finally
        {
            root.Delete(recursive: true);
        }
    }

    /// <summary>Nothing but the home tells the databases.</summary>
    private static async Task<string> ReportAsync(LabMove move)
    {
        await using var migrator = new Migrator(move.Options with { SourceUrl = null, TargetUrl = null }, move.Events);
        var file = MigrationReportFile.At(Path.Combine(move.StateRoot, "report.html"), diagnostics: false, replace: true);
        await migrator.WriteReportAsync(file, Token);
        return await File.ReadAllTextAsync(file.PagePath, Token);
    }

    private static int Occurrences(string text, string part) => text.Split(part).Length - 1;
}
