using System.Globalization;

namespace HerokuMigrator;

/// <summary>Sizes as people say them.</summary>
public static class SizeText
{
    private static readonly string[] Units = ["B", "kB", "MB", "GB", "TB", "PB"];

    /// <summary>"812 B", "1.2 kB", "34 MB", "1.2 TB": two figures at least, in powers of 1000.</summary>
    public static string Of(double bytes)
    {
        var unit = 0;
        for (bytes = Math.Max(0, bytes); bytes >= 999.5 && unit < Units.Length - 1; unit++)
        {
            bytes /= 1000;
        }

        return bytes < 9.95 && unit > 0
            ? string.Create(CultureInfo.InvariantCulture, $"{bytes:0.0} {Units[unit]}")
            : string.Create(CultureInfo.InvariantCulture, $"{bytes:#,0} {Units[unit]}");
    }
}
