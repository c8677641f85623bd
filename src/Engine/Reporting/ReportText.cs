namespace HerokuMigrator.Reporting;

/// <summary>How a report looks: the escape sequences of a terminal, or none; and what a face calls its own parts.</summary>
public sealed record ReportStyle
{
    /// <summary>The cells of a line; longer text is wrapped.</summary>
    public int Width { get; init; } = int.MaxValue;

    public string Red { get; init; } = "";

    public string Yellow { get; init; } = "";

    public string Green { get; init; } = "";

    public string Bold { get; init; } = "";

    public string Reset { get; init; } = "";

    /// <summary>Where the checks that passed are listed.</summary>
    public required string PassedAt { get; init; }

    /// <summary>Where the inventory is listed.</summary>
    public required string InventoryAt { get; init; }

    /// <summary>The status in its colour.</summary>
    public string Paint(CheckStatus status) => Paint(status, status.ToString());

    /// <summary>Any text in the colour of that status.</summary>
    public string Paint(CheckStatus status, string text) => Wrap(Colour(status), text);

    internal string Strong(string text) => Wrap(Bold, text);

    private string Colour(CheckStatus status) => status switch
    {
        CheckStatus.Blocked => Red,
        CheckStatus.Warning => Yellow,
        CheckStatus.Pass => Green,
        _ => "",
    };

    private string Wrap(string start, string text) => start.Length == 0 ? text : start + text + Reset;
}

/// <summary>A readiness report for people: the worst first, remedies to paste, the estimate, the verdict last.</summary>
public static class ReportText
{
    /// <summary>Narrower lines are of no use to anybody.</summary>
    private const int Narrowest = 40;

    private const int NamedLeftOut = 8;

    private static readonly int StatusWidth = Enum.GetNames<CheckStatus>().Max(name => name.Length);

    public static IEnumerable<string> Lines(ReadinessReport report, ReportStyle style)
    {
        // The last cell stays free: some terminals wrap when it is written.
        style = style with { Width = Math.Max(Narrowest, style.Width) - 1 };
        return [.. Heading(report, style), "", .. Checks(report, style), .. Remedies(report, style), .. Estimate(report, style), .. Rest(report, style), "", Verdict(report, style)];
    }

    /// <summary>Text in lines of a terminal, broken between words where it can be.</summary>
    public static IEnumerable<string> Wrap(string text, int width) => TextWrap.Lines(TextWrap.Visible(text), width);

    private static IEnumerable<string> Heading(ReadinessReport report, ReportStyle style)
    {
        var line = $"{report.Name}: {report.Source} -> {report.Target}";
        return TextWrap.Cells(line) <= style.Width ? [line] : [$"{report.Name}: {report.Source}", $"{new string(' ', report.Name.Length)}  -> {report.Target}"];
    }

    private static IEnumerable<string> Checks(ReadinessReport report, ReportStyle style)
    {
        var shown = report.Checks.Where(check => check.Status != CheckStatus.Pass).OrderByDescending(check => check.Status).ToList();
        var passed = report.Checks.Count - shown.Count;
        var table = new TextTable("Status", "Check", "Finding");
        foreach (var check in shown)
        {
            table.Add(new TextCell(check.Status.ToString(), text => style.Paint(check.Status, text)), check.Id, check.Finding);
        }

        if (passed > 0)
        {
            table.Add(
                new TextCell(nameof(CheckStatus.Pass), text => style.Paint(CheckStatus.Pass, text)),
                passed == 1 ? "1 check" : $"{passed} checks", $"See {style.PassedAt}.");
        }

        return table.Lines(style, StatusWidth);
    }

    private static IEnumerable<string> Remedies(ReadinessReport report, ReportStyle style)
    {
        foreach (var check in report.Checks.Where(NeedsRemedy).OrderByDescending(check => check.Status))
        {
            yield return "";
            var lines = TextWrap.Lines(TextWrap.Visible($"{check.Id}: {check.Reason}").TrimEnd(' ', ':'), style.Width);
            yield return style.Paint(check.Status, lines[0][..check.Id.Length]) + lines[0][check.Id.Length..];
            foreach (var line in lines.Skip(1).Concat(RemedyText.Lines(TextWrap.Visible(check.Remedy), style.Width)))
            {
                yield return line;
            }
        }
    }

    private static bool NeedsRemedy(ReadinessCheck check) => check.Status is CheckStatus.Blocked or CheckStatus.Warning && check.Remedy.Length > 0;

    private static IEnumerable<string> Estimate(ReadinessReport report, ReportStyle style)
    {
        if (report.Estimate is not { } estimate)
        {
            return [];
        }

        var table = new TextTable("Step", "Time", "Reckoned from");
        foreach (var (step, time) in new[] { ("Copy", estimate.Copy), ("Indexes", estimate.Index), ("Write pause", estimate.WritePause) })
        {
            table.Add(step, DurationText.Of(time.Seconds), time.Basis);
        }

        return ["", .. table.Lines(style)];
    }

    private static IEnumerable<string> Rest(ReadinessReport report, ReportStyle style)
    {
        if (report.Inventory is { } inventory)
        {
            yield return "";
            foreach (var line in TextWrap.Lines(TextWrap.Visible($"{inventory}; see {style.InventoryAt}."), style.Width))
            {
                yield return line;
            }
        }

        if (report.LeftOut.Count > 0)
        {
            yield return "";
            foreach (var line in TextWrap.Lines($"Left out, so the verdict knows nothing of them: {LeftOut(report.LeftOut)}.", style.Width))
            {
                yield return line;
            }
        }
    }

    private static string LeftOut(IReadOnlyList<string> ids) =>
        string.Join(", ", ids.Take(NamedLeftOut)) + (ids.Count > NamedLeftOut ? $" and {ids.Count - NamedLeftOut} more" : "");

    private static string Verdict(ReadinessReport report, ReportStyle style)
    {
        var verdict = report.IsReady ? style.Paint(CheckStatus.Pass, "ready") : style.Paint(CheckStatus.Blocked, "blocked");
        return $"{style.Strong(report.Name)}: {verdict}; {report.Counts()}.";
    }
}
