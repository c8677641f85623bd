using System.Management.Automation;
using HerokuMigrator.Reporting;

namespace HerokuMigrator.Commands;

/// <summary>What the format file calls to show a report, also one that came back from a job or a file.</summary>
public static class ReadinessView
{
    /// <param name="report">A report, or its deserialized copy.</param>
    /// <param name="width">The cells of a line; 0 or less where there is no terminal.</param>
    /// <param name="style">PowerShell's $PSStyle.</param>
    public static string[] Lines(PSObject report, int width, PSObject style) =>
        [.. ReportText.Lines(report.BaseObject as ReadinessReport ?? ReportCopy.Of(report), StyleFor(style, width))];

    /// <summary>The check's status in its colour.</summary>
    public static string Status(PSObject check, PSObject style)
    {
        var status = ReportCopy.Get<CheckStatus>(check, "Status");
        return StyleFor(style, width: 0).Paint(status);
    }

    /// <summary>Text in lines, broken between words; PowerShell's tables break anywhere.</summary>
    public static string Wrap(string? text, int width) => string.Join(Environment.NewLine, ReportText.Wrap(text ?? "", Math.Max(1, width)));

    /// <summary>PowerShell strips styles on their way to a file or a string, but not where its own output is redirected.</summary>
    private static bool IsPlain(PSObject style) => ReportCopy.Text(style, "OutputRendering") switch
    {
        "PlainText" => true,
        "Ansi" => false,
        _ => Console.IsOutputRedirected,
    };

    private static ReportStyle StyleFor(PSObject style, int width)
    {
        var plain = new ReportStyle { Width = width > 0 ? width : 120, PassedAt = ".Checks", InventoryAt = ".Inventory" };
        if (IsPlain(style))
        {
            return plain;
        }

        var foreground = PSObject.AsPSObject(style.Properties["Foreground"].Value);
        return plain with
        {
            Red = ReportCopy.Text(foreground, "Red"),
            Yellow = ReportCopy.Text(foreground, "Yellow"),
            Green = ReportCopy.Text(foreground, "Green"),
            Bold = ReportCopy.Text(style, "Bold"),
            Reset = ReportCopy.Text(style, "Reset"),
        };
    }
}
