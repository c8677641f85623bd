using static HerokuMigrator.Reporting.Html.ReportFormats;

namespace HerokuMigrator.Reporting.Html;

/// <summary>What the checks found when the migration was begun.</summary>
internal static class ReadinessSection
{
    private const int MostObjects = 20;

    public static Markup Render(ReportModel model)
    {
        if (model.History.Readiness is not { } report)
        {
            return Markup.Of($"<section><h2>Readiness</h2><p class=\"sub\">What was found before the start is not kept, and was not looked at again for this report. Test-MigrationReadiness looks.</p></section>");
        }

        var passed = report.Checks.Where(check => check.Status == CheckStatus.Pass).OrderBy(check => check.Id, StringComparer.Ordinal).ToList();
        return Markup.Of($"""
            <section><h2>Readiness</h2>
            <p class="sub">As it was found when the migration was begun, {Moment(report.CheckedAt)}: {report.Counts()}.</p>
            {report.Checks.Except(passed).OrderByDescending(check => check.Status).Select(Finding)}
            <details><summary>{Count(passed.Count, "check")} passed</summary><div class="scroll"><table>
            {passed.Select(check => Markup.Of($"<tr><td class=\"nowrap\"><code>{check.Id}</code></td><td>{check.Finding}</td></tr>"))}
            </table></div></details>
            </section>
            """);
    }

    private static Markup Finding(ReadinessCheck check) => Markup.Of($"""
        <div class="finding"><span class="badge {Tone(check.Status)}">{check.Status.ToString()}</span> <code>{check.Id}</code>
        <p>{check.Finding}</p>
        {Markup.When(check.Reason.Length > 0, () => Markup.Of($"<p class=\"muted\">{check.Reason}</p>"))}
        {Markup.When(check.Objects.Count > 0, () => Markup.Of($"<p><code>{string.Join(", ", check.Objects.Take(MostObjects))}</code>{(check.Objects.Count > MostObjects ? $" and {Number(check.Objects.Count - MostObjects)} more" : "")}</p>"))}
        {Markup.When(check.Remedy.Length > 0, () => Markup.Of($"<pre>{check.Remedy}</pre>"))}
        </div>
        """);

    private static string Tone(CheckStatus status) => status switch
    {
        CheckStatus.Blocked => "bad",
        CheckStatus.Warning => "warn",
        CheckStatus.Note => "work",
        _ => "idle",
    };
}
