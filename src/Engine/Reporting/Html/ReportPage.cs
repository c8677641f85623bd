using System.Reflection;

namespace HerokuMigrator.Reporting.Html;

/// <summary>The report as one file: it loads nothing, runs no script, and says so to the browser.</summary>
internal static class ReportPage
{
    private static readonly Markup Style = ReadStyle();

    public static string Of(ReportModel model) => Render(model.WithoutRowValues());

    private static string Render(ReportModel model) => Markup.Of($"""
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>Migration {model.History.Name}: {Verdict.Of(model).Title}</title>
        <style>
        {Style}
        </style>
        </head>
        <body><main>
        {HeaderSection.Render(model)}
        {PhaseSection.Render(model)}
        {CopySection.Render(model)}
        {ReplicationSection.Render(model)}
        {SwitchSection.Render(model)}
        {ComparisonSection.Render(model)}
        {TableSection.Render(model)}
        {ReadinessSection.Render(model)}
        {LogSection.Render(model)}
        <footer>Made by HerokuMigrator {model.Version} at {ReportFormats.Moment(DateTimeOffset.UtcNow)}. All times are UTC. 1 MB is 1,000,000 bytes. No row's content and no password is in this file.</footer>
        </main></body>
        </html>

        """).Text;

    private static Markup ReadStyle()
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("report.css")!;
        using var reader = new StreamReader(stream);
        return new Markup(reader.ReadToEnd());
    }
}
