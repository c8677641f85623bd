using HerokuMigrator.Catalog;
using static HerokuMigrator.Reporting.Html.ReportFormats;

namespace HerokuMigrator.Reporting.Html;

/// <summary>What comparing the rows of both sides came to.</summary>
internal static class ComparisonSection
{
    private const int MostRows = 15;

    public static Markup Render(ReportModel model)
    {
        var results = model.History.Comparisons.OrderBy(result => result.IsGood).ThenByDescending(result => result.SourceRows).ToList();
        if (results.Count == 0)
        {
            return Markup.Of($"<section><h2>Comparison of rows</h2><p class=\"sub\">No rows have been compared. Test-MigrationData compares them, before and after a switch.</p></section>");
        }

        var proven = model.History.Proofs.Where(proof => proof.ProvenAt is not null).ToDictionary(proof => proof.Table, proof => proof.ProvenAt, StringComparer.Ordinal);
        var uncompared = model.History.Tables.Count(table => table.Mode != TransferMode.LeftOut) - results.Count;
        return Markup.Of($"""
            <section><h2>Comparison of rows</h2>
            <p class="sub">{string.Join(", ", results.CountBy(result => result.Outcome).OrderBy(outcome => outcome.Key).Select(outcome => $"{Count(outcome.Value, "table")} {Say(outcome.Key)}"))}{(uncompared > 0 ? $"; {Count(uncompared, "table")} not compared yet" : "")}. Rows are compared by sums over their whole content, computed on each side; those that change meanwhile are looked at until they rest.</p>
            {Table(results.Take(MostRows), proven)}
            {Markup.When(results.Count > MostRows, () => Markup.Of($"<details><summary>{Number(results.Count - MostRows)} more</summary>{Table(results.Skip(MostRows), proven)}</details>"))}
            </section>
            """);
    }

    private static Markup Table(IEnumerable<DataComparison> results, IReadOnlyDictionary<string, DateTimeOffset?> proven) => Markup.Of($"""
        <div class="scroll"><table>
        <tr><th>Table</th><th>Outcome</th><th class="n">Rows</th><th class="n">Differing</th><th class="n">Took</th><th>Last shown to be equal</th></tr>
        {results.Select(result => Row(result, proven.GetValueOrDefault(result.Table)))}
        </table></div>
        """);

    private static Markup Row(DataComparison result, DateTimeOffset? provenAt) => Markup.Of($"""
        <tr><td class="wrap"><code>{result.Table}</code>{Markup.When(result.Detail.Length > 0, () => Markup.Of($"<div class=\"muted\">{result.Detail}</div>"))}</td>
        <td><span class="badge {Tone(result.Outcome)}">{Say(result.Outcome)}</span></td>
        <td class="n">{Number(result.SourceRows)}{(result.SourceRows == result.TargetRows ? "" : $" / {Number(result.TargetRows)}")}</td>
        <td class="n">{Number(result.RowsDiffering)}</td><td class="n">{DurationText.Of(result.Seconds)}</td><td class="nowrap">{Moment(provenAt)}</td></tr>
        """);

    private static string Say(ComparisonOutcome outcome) => outcome switch
    {
        ComparisonOutcome.NotCompared => "not compared",
        _ => outcome.ToString().ToLowerInvariant(),
    };

    private static string Tone(ComparisonOutcome outcome) => outcome switch
    {
        ComparisonOutcome.Equal or ComparisonOutcome.Repaired => "good",
        ComparisonOutcome.Different => "bad",
        ComparisonOutcome.Unproven => "warn",
        _ => "idle",
    };
}
