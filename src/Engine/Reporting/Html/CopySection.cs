using HerokuMigrator.History;
using static HerokuMigrator.Reporting.Html.ReportFormats;

namespace HerokuMigrator.Reporting.Html;

/// <summary>How fast the rows were copied.</summary>
internal static class CopySection
{
    private const int FewestPoints = 3;

    public static Markup Render(ReportModel model)
    {
        var points = Throughput(model);
        if (points.Count < FewestPoints)
        {
            return Markup.Of($"<section><h2>Copy</h2><p class=\"sub\">{(model.History.Tables.Any(table => table.CopiedAt is not null) ? "The copy was over too soon for a line over time; the tables below tell how long each took." : "No copy has been measured.")}</p></section>");
        }

        var time = new TimeAxis(points[0].At, points[^1].At, LineChart.Left, LineChart.Width);
        var copied = model.History.Samples.Max(sample => sample.CopiedBytes ?? 0);
        var chart = new LineChart
        {
            Description = $"Throughput of the copy over time, at most {Figure(points.Max(point => point.Value))} MB a second",
            Unit = "MB per second",
            Time = time,
            Points = points,
            Spans = Throttled(model.History.Samples),
            Colour = "blue",
            Say = value => $"{Figure(value)} MB/s",
        };
        return Markup.Of($"""
            <section><h2>Copy</h2>
            <p class="sub">{SizeText.Of(copied)} of tables, by their size on the source, in {DurationText.Of((time.To - time.From).TotalSeconds)}: {Figure(copied / 1e6 / Math.Max(1, (time.To - time.From).TotalSeconds))} MB per second on average. Indexes are built after it.</p>
            {chart.Render()}
            </section>
            """);
    }

    /// <summary>What came between one sample and the next, for as long as the copy lasted; a copy that was made anew begins a line of its own.</summary>
    private static IReadOnlyList<ChartPoint> Throughput(ReportModel model)
    {
        var points = new List<ChartPoint>();
        var series = new SampleSeries([.. model.History.Samples.Where(sample => sample.CopiedBytes is not null)], piece => piece.Last());
        HistorySample? before = null;
        foreach (var sample in series.Samples)
        {
            var moved = sample.CopiedBytes - before?.CopiedBytes;
            var seconds = (sample.At - before?.At)?.TotalSeconds ?? 0;
            var counts = seconds > 0 && moved >= 0 && before!.Phase == MigrationPhase.Copying;
            if (counts)
            {
                var joins = points.Count > 0 && points[^1].At == before!.At && series.Joins(before, sample);
                points.Add(new ChartPoint(sample.At, moved!.Value / 1e6 / seconds, joins || points.Count == 0));
            }

            before = sample;
        }

        return points;
    }

    private static IReadOnlyList<ChartSpan> Throttled(IReadOnlyList<HistorySample> samples)
    {
        var spans = new List<ChartSpan>();
        foreach (var (sample, next) in samples.Zip(samples.Skip(1)).Where(pair => pair.First is { Throttle: not null, Phase: MigrationPhase.Copying }))
        {
            if (spans.Count > 0 && spans[^1].To == sample.At)
            {
                spans[^1] = spans[^1] with { To = next.At };
            }
            else
            {
                spans.Add(new ChartSpan(sample.At, next.At, ""));
            }
        }

        // Named once: several names would lie over each other.
        return [.. spans.Select((span, at) => span with { Name = at == 0 ? "slowed down" : "" })];
    }
}
