using HerokuMigrator.History;
using static HerokuMigrator.Reporting.Html.ReportFormats;

namespace HerokuMigrator.Reporting.Html;

/// <summary>Lag and backlog over time, one under the other along the same axis.</summary>
internal static class ReplicationSection
{
    private const int FewestPoints = 3;

    public static Markup Render(ReportModel model)
    {
        var samples = model.History.Samples.Where(sample => sample.BacklogRows is not null).ToList();
        if (samples.Count < FewestPoints)
        {
            return Markup.Of($"<section><h2>Replication</h2><p class=\"sub\">{(samples.Count == 0 ? "No lag has been measured: a sample is taken every ten seconds while the migration replicates." : "Too few samples were taken for a line over time: one every ten seconds while the migration replicates.")}</p></section>");
        }

        var time = new TimeAxis(samples[0].At, samples[^1].At, LineChart.Left, LineChart.Width);
        var switches = Switches(model, time);
        var lags = samples.Where(sample => sample.LagSeconds is not null).ToList();
        return Markup.Of($"""
            <section><h2>Replication</h2>
            <p class="sub">Lag is the time since a run of the sync last ended well. The backlog counts captured changes by the source's statistics; it includes what is replayed already and not cleaned up yet, which happens every 20 seconds.</p>
            {Markup.When(lags.Count >= FewestPoints, () => Chart(lags, sample => sample.LagSeconds!.Value, time, switches, "Lag, seconds", "violet", whole: false, value => $"lag {DurationText.Of(value)}"))}
            {Chart(samples, sample => sample.BacklogRows!.Value, time, switches, "Backlog, changes", "teal", whole: true, value => $"backlog {Number((long)value)}")}
            </section>
            """);
    }

    private static Markup Chart(
        IReadOnlyList<HistorySample> samples, Func<HistorySample, double> value, TimeAxis time, IReadOnlyList<ChartSpan> spans, string unit, string colour, bool whole, Func<double, string> say)
    {
        var series = new SampleSeries(samples, piece => piece.MaxBy(value)!);
        var shown = series.Samples;
        return new LineChart
        {
            Description = $"{unit}, over time: at most {Figure(shown.Max(value))}, at the end {Figure(value(samples[^1]))}",
            Unit = unit,
            Time = time,
            Points = [.. shown.Select((sample, at) => new ChartPoint(sample.At, value(sample), at > 0 && series.Joins(shown[at - 1], sample)))],
            Spans = spans,
            Colour = colour,
            WholeNumbers = whole,
            Say = say,
        }.Render();
    }

    private static IReadOnlyList<ChartSpan> Switches(ReportModel model, TimeAxis time) =>
    [
        .. model.History.Switches
            .Where(one => one is { IsUndo: false, Result: { FencedAt: not null, SafeAt: not null } } && one.Result.SafeAt >= time.From && one.Result.FencedAt <= time.To)
            .Select(one => new ChartSpan(one.Result.FencedAt!.Value, one.Result.SafeAt!.Value, "switch")),
    ];
}
