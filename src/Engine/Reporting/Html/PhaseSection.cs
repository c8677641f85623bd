using static HerokuMigrator.Reporting.Html.ReportFormats;

namespace HerokuMigrator.Reporting.Html;

/// <summary>Which phase lasted how long.</summary>
internal static class PhaseSection
{
    /// <summary>Where phases change this often, somebody pauses each night; the drawing has them all.</summary>
    private const int MostRows = 40;

    public static Markup Render(ReportModel model)
    {
        var spans = model.Phases.Where(span => span.Phase is not (MigrationPhase.Completed or MigrationPhase.Aborted)).ToList();
        if (spans.Count == 0)
        {
            return Markup.Of($"<section><h2>Phases</h2><p class=\"sub\">When which phase began is not kept on this machine.</p></section>");
        }

        return Markup.Of($"""
            <section><h2>Phases</h2>
            <p class="sub">Begun {Moment(spans[0].From)}{(model.History.EndedAt is { } ended ? $", ended {Moment(ended)}" : $", as of {Moment(model.Until)}")}.</p>
            {PhaseChart.Render(spans)}
            <details><summary>As a table</summary><div class="scroll"><table>
            <tr><th>Phase</th><th>From</th><th class="n">Lasted</th></tr>
            {spans.TakeLast(MostRows).Select(span => Markup.Of($"<tr><td>{Say(span.Phase)}</td><td class=\"nowrap\">{Moment(span.From)}</td><td class=\"n\">{Duration(span.Time)}</td></tr>"))}
            </table></div></details>
            </section>
            """);
    }
}
