using static HerokuMigrator.Reporting.Html.ReportFormats;

namespace HerokuMigrator.Reporting.Html;

/// <summary>Warnings and errors of the log, the last ones.</summary>
internal static class LogSection
{
    private const int MostEntries = 100;

    public static Markup Render(ReportModel model)
    {
        if (model.Log.Count == 0)
        {
            return Markup.Of($"<section><h2>Warnings and errors</h2><p class=\"sub\">The log has none.</p></section>");
        }

        return Markup.Of($"""
            <section><h2>Warnings and errors</h2>
            <p class="sub">Of the log{(model.Log.Count > MostEntries ? $", the last {MostEntries} of {Number(model.Log.Count)}" : "")}; Get-MigrationLog has all of it.</p>
            <div class="scroll"><table>
            <tr><th>Time</th><th>Level</th><th>Source</th><th>Message</th></tr>
            {model.Log.TakeLast(MostEntries).Select(entry => Markup.Of($"<tr><td class=\"nowrap\">{Moment(entry.Time)}</td><td><span class=\"badge {(entry.Level == MigrationLogLevel.Error ? "bad" : "warn")}\">{entry.Level.ToString()}</span></td><td>{entry.Source.ToString()}</td><td class=\"wrap\">{entry.Message}</td></tr>"))}
            </table></div>
            </section>
            """);
    }
}
