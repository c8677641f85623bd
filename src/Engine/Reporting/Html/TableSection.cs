using HerokuMigrator.Catalog;
using HerokuMigrator.History;
using static HerokuMigrator.Reporting.Html.ReportFormats;

namespace HerokuMigrator.Reporting.Html;

/// <summary>Each table's copy, the longest first.</summary>
internal static class TableSection
{
    private const int MostRows = 15;

    public static Markup Render(ReportModel model)
    {
        var tables = model.History.Tables.OrderByDescending(table => table.Seconds ?? -1).ThenBy(table => table.Name, StringComparer.Ordinal).ToList();
        if (tables.Count == 0)
        {
            return Markup.Of($"<section><h2>Tables</h2><p class=\"sub\">{(model.History.EndedAt is null ? "They are not planned yet." : "They are not kept on this machine.")}</p></section>");
        }

        var longest = Math.Max(1e-3, tables.Max(table => table.Seconds ?? 0));
        return Markup.Of($"""
            <section><h2>Tables</h2>
            <p class="sub">How long the last copy of each took, the longest first. Tables are copied side by side, and large ones in chunks, so that the times overlap.</p>
            {Table(tables.Take(MostRows), longest)}
            {Markup.When(tables.Count > MostRows, () => Markup.Of($"<details><summary>{Number(tables.Count - MostRows)} more</summary>{Table(tables.Skip(MostRows), longest)}</details>"))}
            </section>
            """);
    }

    private static Markup Table(IEnumerable<TableHistory> tables, double longest) => Markup.Of($"""
        <div class="scroll"><table>
        <tr><th>Table</th><th class="n">Rows</th><th class="n">Moved</th><th class="n">MB/s</th><th class="n">Took</th><th></th></tr>
        {tables.Select(table => Row(table, longest))}
        </table></div>
        """);

    private static Markup Row(TableHistory table, double longest) => Markup.Of($"""
        <tr><td class="wrap"><code>{table.Name}</code>{Way(table)}</td>
        <td class="n">{(table.CopiedAt is null ? "–" : Number(table.Rows))}</td><td class="n">{(table.CopiedAt is null ? "–" : SizeText.Of(table.Bytes))}</td>
        <td class="n">{(table is { Seconds: > 0.05 and var seconds, Bytes: > 100_000 } ? Figure(table.Bytes / 1e6 / seconds) : "–")}</td>
        <td class="n">{(table.Seconds is { } took ? DurationText.Of(took) : "–")}</td>
        <td class="meter"><i style="width:{Place(100 * (table.Seconds ?? 0) / longest)}%"></i></td></tr>
        """);

    private static Markup Way(TableHistory table) => table.Mode switch
    {
        TransferMode.CopiedWhole => Markup.Of($"<div class=\"muted\">copied whole: {table.ModeReason}</div>"),
        TransferMode.LeftOut => Markup.Of($"<div class=\"muted\">left out, without its rows: {table.ModeReason}</div>"),
        _ => Markup.Empty,
    };
}
