namespace HerokuMigrator;

/// <summary>Durations as people say them.</summary>
public static class DurationText
{
    /// <summary>"0.4 s", "45 s", "3 min 20 s", "2 h 5 min": two figures at most, as no estimate is better than that.</summary>
    public static string Of(double seconds)
    {
        if (seconds < 9.95)
        {
            return string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Math.Max(0, seconds):0.0} s");
        }

        var whole = (long)Math.Round(Math.Min(seconds, 1e12));
        return whole switch
        {
            < 60 => $"{whole} s",
            < 3600 => Pair(whole, 60, "min", "s"),
            < 86_400 => Pair(whole / 60, 60, "h", "min"),
            _ => Pair(whole / 3600, 24, "d", "h"),
        };
    }

    private static string Pair(long small, long factor, string bigUnit, string smallUnit) =>
        small % factor == 0 ? $"{small / factor} {bigUnit}" : $"{small / factor} {bigUnit} {small % factor} {smallUnit}";
}
