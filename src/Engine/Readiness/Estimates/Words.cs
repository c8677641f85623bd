using System.Globalization;

namespace HerokuMigrator.Readiness;

/// <summary>Figures as an estimate says them: no more digits than it knows.</summary>
internal static class Words
{
    public static string Number(double value) =>
        value < 10 && value != Math.Floor(value) ? value.ToString("0.#", CultureInfo.InvariantCulture) : value.ToString("#,0", CultureInfo.InvariantCulture);

    public static string Count(long number, string singular, string? plural = null) => $"{Number(number)} {(number == 1 ? singular : plural ?? singular + "s")}";

    public static string Seconds(double seconds) => string.Create(CultureInfo.InvariantCulture, $"{seconds:0.##} s");

    public static string Milliseconds(double seconds) => string.Create(CultureInfo.InvariantCulture, $"{seconds * 1000:0.#} ms");

    public static string Rate(double bytesPerSecond) => FindingText.Bytes((long)bytesPerSecond) + "/s";
}
