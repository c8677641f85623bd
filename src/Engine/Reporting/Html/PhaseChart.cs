using static HerokuMigrator.Reporting.Html.ReportFormats;

namespace HerokuMigrator.Reporting.Html;

/// <summary>A phase from its beginning to the next one's.</summary>
internal sealed record PhaseSpan(MigrationPhase Phase, DateTimeOffset From, DateTimeOffset To)
{
    public TimeSpan Time => To - From;
}

/// <summary>Which phase lasted from when to when: a line for each, along one time axis.</summary>
internal static class PhaseChart
{
    private const double RowHeight = 30;
    private const double BarHeight = 16;
    private const double Left = 110;
    private const double Width = 822;
    private const double Top = 6;

    /// <summary>As wide as a sign of the labels is, at most.</summary>
    private const double SignWidth = 7.5;

    public static Markup Render(IReadOnlyList<PhaseSpan> spans)
    {
        var time = new TimeAxis(spans[0].From, spans[^1].To, Left, Width);
        var rows = spans.GroupBy(span => span.Phase).ToList();
        var height = Top + (rows.Count * RowHeight);
        var description = string.Join("; ", rows.Select(row => $"{Say(row.Key)} {Total(row)}"));
        return Markup.Of($"""
            <div class="chart"><svg class="phases" viewBox="0 0 960 {Place(height + 46)}" role="img" aria-label="The phases and how long each lasted: {description}">
            {rows.Select((row, at) => Row([.. row], Top + (at * RowHeight), time))}
            {LineChart.TimeTicks(time, height)}
            </svg></div>
            """);
    }

    public static string Total(IEnumerable<PhaseSpan> spans) => DurationText.Of(spans.Sum(span => span.Time.TotalSeconds));

    private static Markup Row(IReadOnlyList<PhaseSpan> spans, double top, TimeAxis time)
    {
        var middle = top + (RowHeight / 2);
        var words = Total(spans) + (spans.Count > 1 ? $", {spans.Count} times" : "");
        // Behind the last bar; or before the first one; or within the longest.
        var (first, last) = (time.Place(spans[0].From), Math.Max(time.Place(spans[^1].To), time.Place(spans[^1].From) + 3));
        var wanted = (words.Length * SignWidth) + 10;
        var longest = spans.MaxBy(span => span.Time)!;
        var (x, anchor, inside) = last + wanted < Left + Width ? (last + 8, "start", "") : first - wanted > Left ? (first - 8, "end", "") : (time.Place(longest.To) - 8, "end", " inside");
        return Markup.Of($"""
            <line class="grid" x1="{Place(Left)}" x2="{Place(Left + Width)}" y1="{Place(top + RowHeight)}" y2="{Place(top + RowHeight)}"/>
            <text class="name" x="{Place(Left - 12)}" y="{Place(middle + 4)}" text-anchor="end">{Say(spans[0].Phase)}</text>
            {spans.Select(span => Bar(span, middle, time))}
            <text class="tick{inside}" x="{Place(x)}" y="{Place(middle + 4)}" text-anchor="{anchor}">{words}</text>
            """);
    }

    private static Markup Bar(PhaseSpan span, double middle, TimeAxis time)
    {
        var from = time.Place(span.From);
        var width = Math.Max(3, time.Place(span.To) - from);
        return Markup.Of($"<rect class=\"bar {Colour(span.Phase)}\" x=\"{Place(from)}\" y=\"{Place(middle - (BarHeight / 2))}\" width=\"{Place(width)}\" height=\"{Place(BarHeight)}\" rx=\"3\"><title>{Say(span.Phase)}: {Moment(span.From)}, {DurationText.Of(span.Time.TotalSeconds)}</title></rect>");
    }

    private static string Colour(MigrationPhase phase) => phase switch
    {
        MigrationPhase.Failed => "bad",
        MigrationPhase.Suspended or MigrationPhase.Aborted => "idle",
        MigrationPhase.Switching => "warn",
        MigrationPhase.Switched or MigrationPhase.Completing or MigrationPhase.Completed => "good",
        _ => "work",
    };
}
