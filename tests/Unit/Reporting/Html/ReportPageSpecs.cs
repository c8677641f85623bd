using System.Text.Json;
using System.Text.RegularExpressions;
using HerokuMigrator.History;
using HerokuMigrator.Logs;
using HerokuMigrator.Reporting;
using HerokuMigrator.Reporting.Html;
using HerokuMigrator.State;
using Xunit;

namespace HerokuMigrator.Unit.Reporting.Html;

public sealed partial class ReportPageSpecs
{
    [Fact]
    public void Names_are_shown_as_they_are_and_none_becomes_markup()
    {
        var page = ReportPage.Of(ReportModels.Completed(hours: 30));
        Assert.Contains("Käse.Bröt &lt;script&gt;alert(1)&lt;/script&gt; &amp; &#x27;co&#x27;", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<script", page, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("Ünïcode &lt;b&gt;", page, StringComparison.Ordinal);
        Assert.DoesNotContain('\u0007', page);
    }

    [Fact]
    public void It_loads_nothing_from_elsewhere_and_forbids_the_browser_to()
    {
        var page = ReportPage.Of(ReportModels.Completed(hours: 30));
        Assert.Contains("default-src 'none'; style-src 'unsafe-inline'", page, StringComparison.Ordinal);
        Assert.DoesNotMatch(Reference(), page);
    }

    [Fact]
    public void It_tells_verdict_phases_copy_replication_switch_comparison_tables_readiness_and_warnings()
    {
        var page = ReportPage.Of(ReportModels.Completed(hours: 30));
        Assert.Equal(
            ["Phases", "Copy", "Replication", "Switch", "Comparison of rows", "Tables", "Readiness", "Warnings and errors"],
            Heading().Matches(page).Select(match => match.Groups["text"].Value));
        Assert.Equal(4, Drawing().Count(page));
        Assert.Contains("<span class=\"badge big good\">Completed</span>", page, StringComparison.Ordinal);
        Assert.Contains("writes were paused for 612 ms", page, StringComparison.Ordinal);
        Assert.Contains("Undone", page, StringComparison.Ordinal);
        Assert.Contains("slowed down", page, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_not_there_yet_is_told_as_such()
    {
        var page = ReportPage.Of(ReportModels.Begun());
        Assert.Contains("No copy has been measured", page, StringComparison.Ordinal);
        Assert.Contains("Nothing has been switched", page, StringComparison.Ordinal);
        Assert.Contains("is not kept, and was not looked at again", page, StringComparison.Ordinal);
    }

    [Fact]
    public void A_gap_in_the_samples_is_a_gap_in_the_line()
    {
        var page = ReportPage.Of(ReportModels.Completed(hours: 2));
        Assert.Equal(2, Line().Count(page[page.IndexOf("svg class=\"violet\"", StringComparison.Ordinal)..page.IndexOf("svg class=\"teal\"", StringComparison.Ordinal)]));
    }

    [Fact]
    public void It_shows_no_value_of_a_row_that_a_server_quoted()
    {
        var model = ReportModels.Completed(hours: 2);
        var page = ReportPage.Of(model with
        {
            History = model.History with { Failure = "Key (email)=(failure@b.example) already exists" },
            Log = [model.Log[0] with { Message = "Failing row contains (1, log@b.example)." }],
        });
        Assert.Contains("Failing row contains (…).", page, StringComparison.Ordinal);
        Assert.DoesNotContain("@b.example", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_history_comes_back_from_its_file_as_it_was()
    {
        var folder = Directory.CreateTempSubdirectory("hm-history-");
        try
        {
            var model = ReportModels.Completed(hours: 30);
            var home = MigrationHome.Locate("spec", folder.FullName);
            Directory.CreateDirectory(home.Folder);
            await File.WriteAllTextAsync(home.HistoryFile, JsonSerializer.Serialize(model.History, HistoryFile.Format), TestContext.Current.CancellationToken);
            var read = await HistoryFile.ReadAsync(home, TestContext.Current.CancellationToken);
            Assert.Equal(WithoutTheMoment(ReportPage.Of(model)), WithoutTheMoment(ReportPage.Of(model with { History = read! })));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void The_diagnostics_hold_hosts_and_names_and_neither_passwords_nor_values_of_rows()
    {
        var folder = Directory.CreateTempSubdirectory("hm-diagnostics-");
        try
        {
            var model = ReportModels.Completed(hours: 30);
            var entry = model.Log[0] with { Message = "duplicate key: Key (email)=(somebody@example.org) already exists. password='S3cr3t-never-shown'" };
            var bundle = new DiagnosticBundle(SecretMask.Of(null), MigrationHome.Locate("spec", folder.FullName)).Of(model with { Log = [.. model.Log, entry] });
            var document = JsonDocument.Parse(bundle).RootElement;
            Assert.Equal("Completed", document.GetProperty("migration").GetProperty("phase").GetString());
            Assert.Equal(3, document.GetProperty("log").GetArrayLength());
            Assert.Contains("ec2-34-200-1-2.compute-1.amazonaws.com", bundle, StringComparison.Ordinal);
            Assert.Contains("Key (email)=(…)", bundle, StringComparison.Ordinal);
            Assert.DoesNotContain("S3cr3t", bundle, StringComparison.Ordinal);
            Assert.DoesNotContain("duplicate key: Key (email)=(somebody", bundle, StringComparison.Ordinal);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>The second in which a page is made may be another for the next one.</summary>
    private static string WithoutTheMoment(string page) => Made().Replace(page, "");

    [GeneratedRegex(@"(?<=Made by HerokuMigrator \S+ at )[^.]*(?=\. All times)", RegexOptions.None, 5000)]
    private static partial Regex Made();

    [GeneratedRegex("""(<(link|img|iframe|object|embed|base|form|audio|video|source)\b)|(\b(src|href|srcset)\s*=)|(@import)|(\burl\()""", RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex Reference();

    [GeneratedRegex("<h2>(?<text>[^<]*)</h2>", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex Heading();

    [GeneratedRegex("<svg ", RegexOptions.None, 5000)]
    private static partial Regex Drawing();

    [GeneratedRegex("<path class=\"line\"", RegexOptions.None, 5000)]
    private static partial Regex Line();
}
