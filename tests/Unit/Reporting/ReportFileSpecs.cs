using System.Text.Json;
using HerokuMigrator.Reporting;
using Xunit;

namespace HerokuMigrator.Unit.Reporting;

public sealed class ReportFileSpecs : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("hm-report-");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task A_markdown_file_holds_checks_remedies_estimate_and_inventory_and_nothing_in_it_is_taken_for_markup()
    {
        var check = Reports.Check("Bad", CheckStatus.Blocked, "Table \"a|b\" <script> *x*", "DROP TABLE \"```\";") with { Objects = ["\"a|b\""] };
        var text = await WriteAsync("report.md", Reports.Of(check) with { Estimate = Reports.Estimate, Inventory = Reports.Inventory, LeftOut = ["Other"] });
        Assert.Contains("**Blocked**: 1 blocked.", text, StringComparison.Ordinal);
        Assert.Contains("| Blocked | Bad | Table \"a\\|b\" &lt;script> \\*x\\* |", text, StringComparison.Ordinal);
        Assert.Contains("\n````\nDROP TABLE \"```\";\n````\n", text, StringComparison.Ordinal);
        Assert.Contains("| Writes held back by the switch | 0.4 s | 12 ms to the source |", text, StringComparison.Ordinal);
        Assert.Contains("| citext | public | 1.6 | (none) |", text, StringComparison.Ordinal);
        Assert.Contains("| old\\_one | on | (unknown) |", text, StringComparison.Ordinal);
        Assert.Contains("| app | puma \\| 1 &lt;b> | 5 |", text, StringComparison.Ordinal);
        Assert.Contains("2026-03-04 05:06:07 UTC", text, StringComparison.Ordinal);
        Assert.Contains("knows nothing of them: Other", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_json_file_holds_all_of_it()
    {
        var text = await WriteAsync("report.JSON", Reports.Of(Reports.Check("Bad", CheckStatus.Blocked)) with { Estimate = Reports.Estimate, Inventory = Reports.Inventory });
        var document = JsonDocument.Parse(text).RootElement;
        Assert.Equal("Blocked", document.GetProperty("checks")[0].GetProperty("status").GetString());
        Assert.Equal("docs/checks.md#bad", document.GetProperty("checks")[0].GetProperty("link").GetString());
        Assert.Equal(200, document.GetProperty("estimate").GetProperty("copy").GetProperty("seconds").GetDouble());
        Assert.Equal(4, document.GetProperty("inventory").GetProperty("settings").GetArrayLength());
    }

    [Fact]
    public async Task A_csv_file_holds_the_settings_that_differ()
    {
        var text = await WriteAsync("report.csv", Reports.Of(Reports.Check("Fine", CheckStatus.Pass)) with { Inventory = Reports.Inventory });
        Assert.Equal("Name,Source,Target\r\nsearch_path,\"\"\"$user\"\", public\",public\r\nwork_mem,4MB,16MB\r\nold_one,on,\r\nlog_line_prefix,\"\",\" x \"\r\n", text);
    }

    [Fact]
    public async Task Without_an_inventory_a_csv_file_would_lie_and_the_others_say_so()
    {
        var report = Reports.Of(Reports.Check("Fine", CheckStatus.Pass));
        var error = await Assert.ThrowsAsync<MigrationException>(() => WriteAsync("report.csv", report));
        Assert.Equal("InventoryUnknown", error.ErrorId);
        Assert.Contains("could not be read", await WriteAsync("report.md", report), StringComparison.Ordinal);
        Assert.Contains("\"inventory\": null", await WriteAsync("report.json", report), StringComparison.Ordinal);
        Assert.Equal(["report.json", "report.md"], Files());
    }

    [Theory]
    [InlineData("report.md")]
    [InlineData("report.json")]
    [InlineData("report.csv")]
    public async Task No_password_is_in_the_file(string name)
    {
        var text = await WriteAsync(name, Reports.Of(Reports.Check("Bad", CheckStatus.Blocked)) with { Estimate = Reports.Estimate, Inventory = Reports.Inventory });
        Assert.DoesNotContain(Reports.Password, text, StringComparison.Ordinal);
        Assert.DoesNotContain(Uri.EscapeDataString(Reports.Password), text, StringComparison.Ordinal);
        Assert.DoesNotContain("p@ss", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("report.pdf", "ReportFormatUnknown")]
    [InlineData("report", "ReportFormatUnknown")]
    [InlineData("no/such/report.md", "ReportFileUnusable")]
    [InlineData("folder.md", "ReportFileUnusable")]
    [InlineData("folder.md/", "ReportFileUnusable")]
    [InlineData("readonly.md", "ReportFileUnusable")]
    [InlineData("readonly.md/report.md", "ReportFileUnusable")]
    public void What_cannot_be_written_is_told_beforehand(string name, string id)
    {
        _folder.CreateSubdirectory("folder.md");
        File.WriteAllText(PathOf("readonly.md"), "kept");
        File.SetAttributes(PathOf("readonly.md"), FileAttributes.ReadOnly);
        var error = Assert.Throws<MigrationException>(() => ReportFile.At(PathOf(name), keepExisting: false));
        Assert.Equal(id, error.ErrorId);
        Assert.Contains(PathOf(name), error.Message, StringComparison.Ordinal);
        Assert.Equal("kept", File.ReadAllText(PathOf("readonly.md")));
    }

    [Fact]
    public async Task A_file_that_exists_is_replaced_with_its_mode_unless_it_shall_be_kept()
    {
        const UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        File.WriteAllText(PathOf("report.md"), "old");
        File.SetUnixFileMode(PathOf("report.md"), mode);
        Assert.Equal("ReportFileExists", Assert.Throws<MigrationException>(() => ReportFile.At(PathOf("report.md"), keepExisting: true)).ErrorId);
        Assert.DoesNotContain("old", await WriteAsync("report.md", Reports.Of()), StringComparison.Ordinal);
        Assert.Equal(mode, File.GetUnixFileMode(PathOf("report.md")));
        Assert.Equal(["report.md"], Files());
    }

    [Fact]
    public async Task A_file_that_came_meanwhile_is_kept_where_it_shall_be()
    {
        var file = ReportFile.At(PathOf("report.md"), keepExisting: true);
        File.WriteAllText(PathOf("report.md"), "another's");
        Assert.Equal("ReportFileExists", (await Assert.ThrowsAsync<MigrationException>(() => file.WriteAsync(Reports.Of(), Token))).ErrorId);
        Assert.Equal("another's", File.ReadAllText(PathOf("report.md")));
        Assert.Equal(["report.md"], Files());
    }

    [Fact]
    public async Task A_folder_that_went_meanwhile_is_told()
    {
        _folder.CreateSubdirectory("gone");
        var file = ReportFile.At(PathOf("gone/report.md"), keepExisting: false);
        Directory.Delete(PathOf("gone"));
        Assert.Equal("ReportFileFailed", (await Assert.ThrowsAsync<MigrationException>(() => file.WriteAsync(Reports.Of(), Token))).ErrorId);
    }

    [Fact]
    public async Task A_link_stays_one()
    {
        _folder.CreateSubdirectory("real");
        File.CreateSymbolicLink(PathOf("link.md"), PathOf("real/report.md"));
        await WriteAsync("link.md", Reports.Of());
        Assert.NotNull(new FileInfo(PathOf("link.md")).LinkTarget);
        Assert.Null(new FileInfo(PathOf("real/report.md")).LinkTarget);
    }

    private async Task<string> WriteAsync(string name, ReadinessReport report)
    {
        await ReportFile.At(PathOf(name), keepExisting: false).WriteAsync(report, Token);
        return await File.ReadAllTextAsync(PathOf(name), Token);
    }

    private string PathOf(string name) => Path.Join(_folder.FullName, name);

    private IEnumerable<string> Files() => _folder.EnumerateFileSystemInfos().Select(file => file.Name).Order(StringComparer.Ordinal);
}
