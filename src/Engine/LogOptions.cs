using System.Globalization;

namespace HerokuMigrator;

/// <summary>Which entries of the log are told.</summary>
public sealed record LogOptions
{
    /// <summary>Those that matter less are left out.</summary>
    public MigrationLogLevel Level { get; init; } = MigrationLogLevel.Information;

    /// <summary>Entries before this moment are left out.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Only so many of what is there already, the last ones; null: all.</summary>
    public int? Tail { get; init; }

    /// <summary>Go on with what comes, until the migration has ended.</summary>
    public bool Follow { get; init; }

    /// <summary>Throws where a value is out of its range.</summary>
    public void Validate()
    {
        if (Tail is < 0)
        {
            throw FaceErrors.LogOptionInvalid(nameof(Tail), Tail.Value.ToString(CultureInfo.InvariantCulture), "Give a number of entries, 0 or more.");
        }
    }

    /// <summary>A moment (ISO 8601; local where it has no offset), or how long ago: 90s, 15m, 2h, 3d, 1.12:30:00.</summary>
    public static DateTimeOffset ParseSince(string text, DateTimeOffset now)
    {
        var trimmed = text.Trim();
        var unit = trimmed.Length > 1
            ? trimmed[^1] switch { 's' => TimeSpan.FromSeconds(1), 'm' => TimeSpan.FromMinutes(1), 'h' => TimeSpan.FromHours(1), 'd' => TimeSpan.FromDays(1), _ => (TimeSpan?)null }
            : null;
        if (unit is { } length && double.TryParse(trimmed[..^1], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var count) && count < 100_000)
        {
            return now - (length * count);
        }

        if (trimmed.Contains(':', StringComparison.Ordinal) && TimeSpan.TryParse(trimmed, CultureInfo.InvariantCulture, out var ago) && ago >= TimeSpan.Zero)
        {
            return now - ago;
        }

        return trimmed.Length >= "2026-01-01".Length && DateTimeOffset.TryParse(trimmed, CultureInfo.InvariantCulture, DateTimeStyles.AssumeLocal, out var moment)
            ? moment
            : throw FaceErrors.LogOptionInvalid(nameof(Since), text, "Give a moment such as 2026-03-04T05:06:07Z, or how long ago: 90s, 15m, 2h, 3d or 00:15:00.");
    }
}
