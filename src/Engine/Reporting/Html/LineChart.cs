using System.Text;
using static HerokuMigrator.Reporting.Html.ReportFormats;

namespace HerokuMigrator.Reporting.Html;

/// <summary>A value at one moment.</summary>
/// <param name="JoinsBefore">A line leads here from the one before; false after a gap.</param>
internal sealed record ChartPoint(DateTimeOffset At, double Value, bool JoinsBefore);

/// <summary>A time that stands out: shaded, with its name above.</summary>
internal sealed record ChartSpan(DateTimeOffset From, DateTimeOffset To, string Name);

/// <summary>One value over time, as a drawing with axes.</summary>
internal sealed record LineChart
{
    public const double Left = 62;
    public const double Width = 870;

    private const double Top = 34;
    private const double Height = 150;
    private const double Bottom = 46;

    /// <summary>What is drawn, for those who cannot see it.</summary>
    public required string Description { get; init; }

    /// <summary>What the numbers at the left are, with their unit.</summary>
    public required string Unit { get; init; }

    public required TimeAxis Time { get; init; }

    public required IReadOnlyList<ChartPoint> Points { get; init; }

    public IReadOnlyList<ChartSpan> Spans { get; init; } = [];

    /// <summary>A class of the style sheet, for the colour.</summary>
    public required string Colour { get; init; }

    public bool WholeNumbers { get; init; }

    /// <summary>The value as its tooltip says it.</summary>
    public required Func<double, string> Say { get; init; }

    public Markup Render()
    {
        var axis = new ValueAxis(Points.Max(point => point.Value), Top, Height, WholeNumbers);
        return Markup.Of($"""
            <div class="chart"><svg class="{Colour}" viewBox="0 0 960 {Place(Top + Height + Bottom)}" role="img" aria-label="{Description}">
            <text class="unit" x="0" y="14">{Unit}</text>
            {Spans.Select(Span)}
            {axis.Ticks().Select(tick => Markup.Of($"<line class=\"grid\" x1=\"{Place(Left)}\" x2=\"{Place(Left + Width)}\" y1=\"{Place(tick.Y)}\" y2=\"{Place(tick.Y)}\"/><text class=\"tick\" x=\"{Place(Left - 10)}\" y=\"{Place(tick.Y + 4)}\" text-anchor=\"end\">{tick.Label}</text>"))}
            {TimeTicks(Time, Top + Height)}
            {Lines(axis)}
            {Points.Select(point => Markup.Of($"<circle class=\"hit\" cx=\"{Place(Time.Place(point.At))}\" cy=\"{Place(axis.Place(point.Value))}\" r=\"5\"><title>{Moment(point.At)}: {Say(point.Value)}</title></circle>"))}
            </svg></div>
            """);
    }

    /// <summary>The line that time runs along, with its moments and what they are below.</summary>
    public static Markup TimeTicks(TimeAxis time, double y) => Markup.Of($"""
        <line class="axis" x1="{Place(time.Place(time.From))}" x2="{Place(time.Place(time.To))}" y1="{Place(y)}" y2="{Place(y)}"/>
        {time.Ticks().Select(tick => Markup.Of($"<line class=\"axis\" x1=\"{Place(tick.X)}\" x2=\"{Place(tick.X)}\" y1=\"{Place(y)}\" y2=\"{Place(y + 5)}\"/><text class=\"tick\" x=\"{Place(tick.X)}\" y=\"{Place(y + 19)}\" text-anchor=\"middle\">{tick.Label}</text>"))}
        <text class="unit" x="{Place(time.Place(time.To))}" y="{Place(y + 39)}" text-anchor="end">{time.Title}</text>
        """);

    /// <summary>A line for each run of points, filled down to nought; one point alone is a dot.</summary>
    private Markup Lines(ValueAxis axis)
    {
        var runs = new List<List<ChartPoint>>();
        foreach (var point in Points)
        {
            if (runs.Count == 0 || !point.JoinsBefore)
            {
                runs.Add([]);
            }

            runs[^1].Add(point);
        }

        return Markup.Join(runs.Select(run => run.Count == 1
            ? Markup.Of($"<circle class=\"dot\" cx=\"{Place(Time.Place(run[0].At))}\" cy=\"{Place(axis.Place(run[0].Value))}\" r=\"3\"/>")
            : Line(run, axis)));
    }

    private Markup Line(List<ChartPoint> run, ValueAxis axis)
    {
        var path = new StringBuilder();
        foreach (var point in run)
        {
            path.Append(path.Length == 0 ? 'M' : 'L').Append(Place(Time.Place(point.At))).Append(' ').Append(Place(axis.Place(point.Value)));
        }

        var (first, last, ground) = (Place(Time.Place(run[0].At)), Place(Time.Place(run[^1].At)), Place(Top + Height));
        return Markup.Of($"<path class=\"area\" d=\"{path.ToString()}L{last} {ground}L{first} {ground}Z\"/><path class=\"line\" d=\"{path.ToString()}\"/>");
    }

    private Markup Span(ChartSpan span)
    {
        var (from, to) = (Time.Place(span.From), Time.Place(span.To));
        var (x, anchor) = from > Left + (Width * 0.8) ? (Math.Max(to, from + 2), "end") : (from, "start");
        return Markup.Of($"<rect class=\"span\" x=\"{Place(from)}\" y=\"{Place(Top - 8)}\" width=\"{Place(Math.Max(2, to - from))}\" height=\"{Place(Height + 8)}\"><title>{span.Name}</title></rect><text class=\"mark\" x=\"{Place(x)}\" y=\"{Place(Top - 13)}\" text-anchor=\"{anchor}\">{span.Name}</text>");
    }
}
