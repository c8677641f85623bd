using System.Globalization;

namespace HerokuMigrator.Reporting.Html;

/// <summary>How a report writes moments, durations and counts. All moments are UTC, which it says once at its top.</summary>
internal static class ReportFormats
{
    public static string Moment(DateTimeOffset moment) => moment.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);

    public static string Moment(DateTimeOffset? moment) => moment is { } known ? Moment(known) : "–";

    public static string Duration(TimeSpan? time) => time is { } known ? DurationText.Of(known.TotalSeconds) : "–";

    public static string Number(long number) => number.ToString("#,0", CultureInfo.InvariantCulture);

    /// <summary>A count that has to fit a small place: "9,412,044", "59.6 million".</summary>
    public static string Short(long number) => number switch
    {
        < 10_000_000 => Number(number),
        < 1_000_000_000 => string.Create(CultureInfo.InvariantCulture, $"{number / 1e6:0.0} million"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{number / 1e9:0.0} billion"),
    };

    /// <summary>The phase as people say it.</summary>
    public static string Say(MigrationPhase phase) => phase == MigrationPhase.CatchingUp ? "Catching up" : phase.ToString();

    public static string Count(long number, string thing) => number == 1 ? $"1 {thing}" : $"{Number(number)} {thing}s";

    /// <summary>Two or three figures, whatever the size.</summary>
    public static string Figure(double value) => value switch
    {
        >= 100 => value.ToString("#,0", CultureInfo.InvariantCulture),
        >= 10 => value.ToString("0.#", CultureInfo.InvariantCulture),
        _ => value.ToString("0.##", CultureInfo.InvariantCulture),
    };

    /// <summary>Coordinates of a drawing.</summary>
    public static string Place(double value) => value.ToString("0.#", CultureInfo.InvariantCulture);

    /// <summary>Milliseconds, and seconds from ten of them on.</summary>
    public static string Milliseconds(double? milliseconds) =>
        milliseconds is not { } known ? "–" : known < 10_000 ? string.Create(CultureInfo.InvariantCulture, $"{known:#,0} ms") : DurationText.Of(known / 1000);
}
