using System.Globalization;
using System.Text;

namespace HerokuMigrator.Reporting;

/// <summary>A readiness report as a document to hand round: all checks with their objects and remedies, the estimate, the inventory.</summary>
internal static class ReportMarkdown
{
    public static string Of(ReadinessReport report)
    {
        var text = new StringBuilder();
        Heading(report, text);
        Findings(report, text);
        Estimate(report.Estimate, text);
        Inventory(report.Inventory, text);
        return text.ToString();
    }

    private static void Heading(ReadinessReport report, StringBuilder text)
    {
        text.Append($"# Readiness of {Cell(report.Name)}\n\n");
        text.Append($"**{(report.IsReady ? "Ready" : "Blocked")}**: {report.Counts()}.\n\n");
        text.Append($"- Source: {Cell(report.Source.ToString())}\n- Target: {Cell(report.Target.ToString())}\n");
        text.Append(CultureInfo.InvariantCulture, $"- Checked: {report.CheckedAt.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC\n");
        if (report.LeftOut.Count > 0)
        {
            text.Append($"- Left out, so the verdict knows nothing of them: {Cell(string.Join(", ", report.LeftOut))}\n");
        }
    }

    private static void Findings(ReadinessReport report, StringBuilder text)
    {
        var worstFirst = report.Checks.OrderByDescending(check => check.Status).ToList();
        Table("## Checks", ["Status", "Check", "Finding"], worstFirst.Select(check => new[] { check.Status.ToString(), check.Id, check.Finding }), text);
        foreach (var check in worstFirst.Where(check => check.Reason.Length + check.Remedy.Length + check.Objects.Count > 0))
        {
            text.Append($"\n### {check.Status}: {check.Id}\n\n{Cell(check.Title)}. {Cell(check.Reason)}".TrimEnd()).Append('\n');
            Block(check.Remedy, text);
            foreach (var (item, at) in check.Objects.Select((item, at) => (item, at)))
            {
                text.Append(at == 0 ? "\n" : "").Append($"- {Cell(item)}\n");
            }
        }
    }

    private static void Estimate(MigrationEstimate? estimate, StringBuilder text)
    {
        if (estimate is null)
        {
            text.Append("\n## How long it will take\n\nThat could not be reckoned.\n");
            return;
        }

        Table(
            "## How long it will take", ["Step", "Time", "Reckoned from"],
            new[] { ("Copy of all rows", estimate.Copy), ("Keys, indexes, foreign keys", estimate.Index), ("Writes held back by the switch", estimate.WritePause) }
                .Select(step => new[] { step.Item1, DurationText.Of(step.Item2.Seconds), step.Item2.Basis }),
            text);
    }

    private static void Inventory(ReadinessInventory? inventory, StringBuilder text)
    {
        if (inventory is null)
        {
            text.Append("\n## Inventory\n\nIt could not be read.\n");
            return;
        }

        text.Append($"\n## Inventory\n\n- Source: {Cell(inventory.SourceVersion)}\n- Target: {Cell(inventory.TargetVersion)}\n");
        Table("### Extensions", ["Extension", "Schema", "Source", "Target"],
            inventory.Extensions.Select(one => new[] { one.Name, one.Schema, one.Version, one.TargetVersion ?? "(none)" }), text);
        Table("### Settings that differ", ["Setting", "Source", "Target"],
            inventory.Settings.Select(one => new[] { one.Name, one.Source ?? "(unknown)", one.Target ?? "(unknown)" }), text);
        Table("### Connected to the source now", ["Role", "Application", "Connections"],
            inventory.Clients.Select(one => new[] { one.Role, one.Application, one.Connections.ToString(CultureInfo.InvariantCulture) }), text);
    }

    /// <summary>A heading and its table; names may hold anything.</summary>
    public static void Table(string heading, string[] headers, IEnumerable<string[]> rows, StringBuilder text)
    {
        text.Append($"\n{heading}\n\n");
        var lines = rows.Select(row => $"| {string.Join(" | ", row.Select(Cell))} |\n").ToList();
        if (lines.Count == 0)
        {
            text.Append("None.\n");
            return;
        }

        text.Append($"| {string.Join(" | ", headers)} |\n|{string.Concat(headers.Select(_ => "---|"))}\n").AppendJoin("", lines);
    }

    /// <summary>Fenced by more backticks than stand in it.</summary>
    private static void Block(string code, StringBuilder text)
    {
        if (code.Length == 0)
        {
            return;
        }

        var (longest, run) = (0, 0);
        foreach (var character in code)
        {
            run = character == '`' ? run + 1 : 0;
            longest = Math.Max(longest, run);
        }

        var fence = new string('`', Math.Max(3, longest + 1));
        text.Append($"\n{fence}\n{code.ReplaceLineEndings("\n").TrimEnd('\n')}\n{fence}\n");
    }

    /// <summary>Names are shown as they are: nothing in them is taken for markup.</summary>
    private static string Cell(string text)
    {
        var cell = new StringBuilder(text.Length + 8);
        foreach (var character in TextWrap.Visible(text.ReplaceLineEndings(" ")))
        {
            _ = character switch
            {
                '<' => cell.Append("&lt;"),
                '&' => cell.Append("&amp;"),
                '\\' or '|' or '`' or '*' or '_' or '[' or ']' or '~' => cell.Append('\\').Append(character),
                _ => cell.Append(character),
            };
        }

        return cell.ToString();
    }
}
