using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using HerokuMigrator.Reporting.Html;
using Xunit;

namespace HerokuMigrator.Unit.Reporting.Html;

/// <summary>The report as a browser shows it. Without Chromium these are skipped, and say how to get it.</summary>
public sealed partial class ReportInBrowserSpecs : IDisposable
{
    /// <summary>Measures what people would see: which labels lie over each other or stick out of their drawing, and whether the page is wider than its window.</summary>
    private const string Measure = """
        <script>
        const found = [];
        for (const drawing of document.querySelectorAll('svg')) {
          const frame = drawing.getBoundingClientRect();
          const labels = [...drawing.querySelectorAll('text')].filter(label => label.textContent).map(label => [label.textContent, label.getBoundingClientRect()]);
          labels.forEach(([name, box], at) => {
            if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 || box.bottom > frame.bottom + 1) found.push(name + ' sticks out');
            for (const [other, beside] of labels.slice(at + 1))
              if (box.left < beside.right && beside.left < box.right && box.top < beside.bottom - 2 && beside.top < box.bottom - 2) found.push(name + ' over ' + other);
          });
        }
        const style = getComputedStyle(document.body);
        document.title = JSON.stringify({ found, labels: document.querySelectorAll('svg text').length, wide: document.documentElement.scrollWidth > window.innerWidth, ink: style.color, page: style.backgroundColor });
        </script>
        """;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("hm-browser-");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData(0.05)]
    [InlineData(2)]
    [InlineData(30)]
    [InlineData(700)]
    public async Task No_label_of_a_drawing_lies_over_another_or_sticks_out_however_long_the_migration_was(double hours)
    {
        var seen = await MeasureAsync(ReportModels.Completed(hours));
        Assert.Empty(seen.GetProperty("found").EnumerateArray().Select(item => item.GetString()));
        Assert.InRange(seen.GetProperty("labels").GetInt32(), 30, 150);
        Assert.False(seen.GetProperty("wide").GetBoolean());
    }

    [Fact]
    public async Task It_is_dark_where_the_reader_wants_it_dark()
    {
        var light = await MeasureAsync(ReportModels.Begun());
        var dark = await MeasureAsync(ReportModels.Begun(), "--blink-settings=preferredColorScheme=0");
        Assert.Equal(("rgb(27, 34, 44)", "rgb(244, 246, 249)"), (light.GetProperty("ink").GetString(), light.GetProperty("page").GetString()));
        Assert.Equal(("rgb(229, 234, 240)", "rgb(14, 18, 23)"), (dark.GetProperty("ink").GetString(), dark.GetProperty("page").GetString()));
    }

    [Fact]
    public async Task It_can_be_photographed()
    {
        var picture = Path.Combine(_folder.FullName, "report.png");
        await RunAsync(ReportPage.Of(ReportModels.Completed(hours: 30)), $"--screenshot={picture}");
        Assert.InRange(new FileInfo(picture).Length, 50_000, 5_000_000);
    }

    private async Task<JsonElement> MeasureAsync(ReportModel model, params string[] arguments)
    {
        // The page itself would not let a script run.
        var page = ContentPolicy().Replace(ReportPage.Of(model), "").Replace("</main>", "</main>" + Measure, StringComparison.Ordinal);
        var document = await RunAsync(page, ["--dump-dom", .. arguments]);
        return JsonDocument.Parse(System.Net.WebUtility.HtmlDecode(Title().Match(document).Groups["text"].Value)).RootElement;
    }

    private async Task<string> RunAsync(string page, params string[] arguments)
    {
        var browser = ((string[])["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]).FirstOrDefault(File.Exists);
        Assert.SkipUnless(browser is not null, "Chromium is not here to show the report; ./build.sh prerequisites gets it with apt.");
        var file = Path.Combine(_folder.FullName, "report.html");
        await File.WriteAllTextAsync(file, page, Token);
        var start = new ProcessStartInfo(browser!)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            ArgumentList = { "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run", "--window-size=1160,2400", $"--user-data-dir={_folder.FullName}/profile" },
        };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        start.ArgumentList.Add(new Uri(file).AbsoluteUri);
        using var process = Process.Start(start)!;
        try
        {
            var (output, errors) = (process.StandardOutput.ReadToEndAsync(Token), process.StandardError.ReadToEndAsync(Token));
            await process.WaitForExitAsync(Token);
            Assert.True(process.ExitCode == 0, await errors);
            return await output;
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }

    [GeneratedRegex("<meta http-equiv[^>]*>", RegexOptions.None, 5000)]
    private static partial Regex ContentPolicy();

    [GeneratedRegex("<title>(?<text>.*?)</title>", RegexOptions.ExplicitCapture | RegexOptions.Singleline, 5000)]
    private static partial Regex Title();
}
