using HerokuMigrator.History;

namespace HerokuMigrator.Reporting.Html;

/// <summary>Samples as they can be drawn: no more than there is room for, and with their gaps.</summary>
internal sealed class SampleSeries
{
    private const int MostPoints = 300;

    /// <summary>A few that were late, or are thinned out a little more, are no gap.</summary>
    private const double Patience = 4.5;

    private readonly DateTimeOffset _newest;
    private readonly TimeSpan _piece;

    /// <param name="samples">All of them, in the order of their times.</param>
    /// <param name="choose">The one that stands for a piece of the time, where there are too many: of peaks the highest, which must not get lost.</param>
    public SampleSeries(IReadOnlyList<HistorySample> samples, Func<IEnumerable<HistorySample>, HistorySample> choose)
    {
        if (samples.Count == 0)
        {
            Samples = [];
            return;
        }

        var first = samples[0].At;
        _newest = samples[^1].At;
        _piece = samples.Count <= MostPoints ? TimeSpan.Zero : (_newest - first) / MostPoints;
        Samples = _piece == TimeSpan.Zero ? samples : [.. samples.GroupBy(sample => (int)((sample.At - first) / _piece)).Select(choose)];
    }

    public IReadOnlyList<HistorySample> Samples { get; }

    /// <summary>False where samples are missing between the two: nothing was measured then. How far apart they are kept depends on their age.</summary>
    public bool Joins(HistorySample before, HistorySample sample)
    {
        var kept = (_newest - before.At).TotalHours switch { < 0.9 => TimeSpan.FromSeconds(10), < 23 => TimeSpan.FromMinutes(1), _ => TimeSpan.FromMinutes(15) };
        return sample.At - before.At <= TimeSpan.FromTicks(Math.Max((kept * Patience).Ticks, (_piece * 2.5).Ticks));
    }
}
