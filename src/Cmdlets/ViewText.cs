using System.Globalization;
using System.Management.Automation;

namespace HerokuMigrator.Commands;

/// <summary>What the format file calls to show a value to people; also one that came back from a job, as a number or a text.</summary>
public static class ViewText
{
    /// <summary>A status, health, outcome or level in its colour, where colours are wanted.</summary>
    /// <param name="value">It, or its name.</param>
    /// <param name="style">PowerShell's $PSStyle.</param>
    public static string Paint(object? value, PSObject style)
    {
        var text = value?.ToString() ?? "";
        return text switch
        {
            "Broken" or "Different" or "Failed" or "Blocked" or "Error" => HostStyle.For(style).Paint(CheckStatus.Blocked, text),
            "Degraded" or "Unproven" or "Warning" or "Aborted" => HostStyle.For(style).Paint(CheckStatus.Warning, text),
            "Healthy" or "Equal" or "Repaired" or "Pass" or "Ready" => HostStyle.For(style).Paint(CheckStatus.Pass, text),
            _ => text,
        };
    }

    /// <summary>Something that a person should see, where colours are wanted.</summary>
    public static string Warn(string text, PSObject style) => text.Length == 0 ? "" : HostStyle.For(style).Paint(CheckStatus.Warning, text);

    /// <summary>Seconds as people say them; empty where they are not known.</summary>
    public static string Duration(object? seconds) => seconds is null ? "" : DurationText.Of(Convert.ToDouble(seconds, CultureInfo.InvariantCulture));

    /// <summary>Bytes as people say them; empty where they are not known.</summary>
    public static string Size(object? bytes) => bytes is null ? "" : SizeText.Of(Convert.ToDouble(bytes, CultureInfo.InvariantCulture));

    /// <summary>A moment to the second, in UTC; empty where there is none.</summary>
    public static string Time(object? moment) => moment switch
    {
        null => "",
        DateTimeOffset at => At(at),
        DateTime at => At(new DateTimeOffset(at)),
        // Came back from a job or a file.
        PSObject copy when ReportCopy.Get<DateTime?>(copy, "UtcDateTime") is { } at => At(new DateTimeOffset(at)),
        _ => DateTimeOffset.TryParse(moment.ToString(), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) ? At(at) : moment.ToString() ?? "",
    };

    private static string At(DateTimeOffset moment) => moment.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture);
}
