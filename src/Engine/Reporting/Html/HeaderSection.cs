using HerokuMigrator.Catalog;
using static HerokuMigrator.Reporting.Html.ReportFormats;

namespace HerokuMigrator.Reporting.Html;

/// <summary>Name, verdict, both databases, and the figures that people ask for first.</summary>
internal static class HeaderSection
{
    public static Markup Render(ReportModel model)
    {
        var (history, verdict) = (model.History, Verdict.Of(model));
        return Markup.Of($"""
            <header>
            <div class="eyebrow">Migration of a Postgres database</div>
            <div class="title"><h1>{history.Name}</h1><span class="badge big {verdict.Tone}">{verdict.Title}</span></div>
            <p class="lead">{verdict.Words}</p>
            <div class="route"><div class="end"><b>Source</b>{Address(history.Source)}</div><div class="arrow">→</div><div class="end"><b>Target</b>{Address(history.Target)}</div></div>
            {Problems([.. Differing(model.History.Comparisons), .. model.Status?.Problems ?? []])}
            <div class="figures">{Figures(model).Select(figure => Markup.Of($"<div class=\"figure\"><b>{figure.Value}</b><span>{figure.Name}</span></div>"))}</div>
            </header>
            """);
    }

    private static string Address(DatabaseAddress? address) => address?.ToString() ?? "not known here";

    private static IEnumerable<string> Differing(IReadOnlyList<DataComparison> comparisons)
    {
        var tables = comparisons.Where(result => result.Outcome == ComparisonOutcome.Different).ToList();
        if (tables.Count > 0)
        {
            yield return $"Rows of {Count(tables.Count, "table")} differed when they were compared last: {string.Join(", ", tables.Take(5).Select(result => result.Table))}{(tables.Count > 5 ? " and more" : "")}.";
        }
    }

    private static Markup Problems(IReadOnlyList<string> problems) => Markup.When(
        problems.Count > 0, () => Markup.Of($"<div class=\"problems\"><ul>{problems.Select(problem => Markup.Of($"<li>{problem}</li>"))}</ul></div>"));

    private static IEnumerable<(string Value, string Name)> Figures(ReportModel model)
    {
        var history = model.History;
        var moved = history.Tables.Where(table => table.Mode != TransferMode.LeftOut).ToList();
        if (history.StartedAt is { } started)
        {
            yield return (DurationText.Of((model.Until - started).TotalSeconds), history.EndedAt is null ? "since its start" : "from start to end");
        }

        if (moved.Count > 0)
        {
            yield return (Number(moved.Count), moved.Count == 1 ? "table" : "tables");
            yield return (Short(moved.Sum(table => table.Rows)), "rows copied");
            yield return (SizeText.Of(moved.Sum(table => table.Bytes)), "moved by the copy");
        }

        if (model.StandingSwitch?.WritePauseMs is { } pause)
        {
            yield return (Milliseconds(pause), "writes paused");
        }

        if (history.Proofs.Count > 0)
        {
            yield return ($"{history.Proofs.Count(proof => proof.ProvenAt is not null)} of {moved.Count}", "tables shown to be equal");
        }
    }
}
