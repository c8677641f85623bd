using System.Globalization;

namespace HerokuMigrator.Reporting.Html;

/// <summary>Where moments stand on a line, and which of them are written below it.</summary>
internal sealed class TimeAxis
{
    private const int MostTicks = 8;

    private static readonly int[] Steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800, 2_592_000, 31_536_000];

    private readonly double _left;
    private readonly double _width;
    private readonly double _seconds;
    private readonly int _step;

    public TimeAxis(DateTimeOffset from, DateTimeOffset to, double left, double width)
    {
        From = from;
        // One moment alone has no extent.
        _seconds = Math.Max(1, (to - from).TotalSeconds);
        To = from.AddSeconds(_seconds);
        (_left, _width) = (left, width);
        _step = Steps.FirstOrDefault(step => _seconds / step <= MostTicks, Steps[^1]);
    }

    public DateTimeOffset From { get; }

    public DateTimeOffset To { get; }

    /// <summary>What the numbers below the line are.</summary>
    public string Title => From.UtcDateTime.Date == To.UtcDateTime.Date
        ? From.UtcDateTime.ToString("d MMMM yyyy, 'UTC'", CultureInfo.InvariantCulture)
        : string.Create(CultureInfo.InvariantCulture, $"{From.UtcDateTime:d MMMM yyyy} to {To.UtcDateTime:d MMMM yyyy}, UTC");

    public double Place(DateTimeOffset moment) => _left + (_width * Math.Clamp((moment - From).TotalSeconds / _seconds, 0, 1));

    public IEnumerable<(double X, string Label)> Ticks()
    {
        var first = (long)Math.Ceiling(From.ToUnixTimeMilliseconds() / 1000.0 / _step) * _step;
        for (var tick = first; tick <= To.ToUnixTimeSeconds(); tick += _step)
        {
            var moment = DateTimeOffset.FromUnixTimeSeconds(tick);
            yield return (Place(moment), moment.ToString(Format, CultureInfo.InvariantCulture));
        }
    }

    private string Format => (_step, From.UtcDateTime.Date == To.UtcDateTime.Date) switch
    {
        ( < 60, _) => "HH:mm:ss",
        ( >= 86_400, _) => "d MMM",
        ( >= 7200, false) => "d MMM HH:mm",
        _ => "HH:mm",
    };
}
