using System.Management.Automation;
using System.Management.Automation.Host;
using HerokuMigrator.Reporting;

namespace HerokuMigrator.Commands;

/// <summary>What the format file calls to show a report, also one that came back from a job or a file.</summary>
public static class ReadinessView
{
    private const int DefaultWidth = 120;
    private const int Narrowest = 20;

    /// <param name="report">A report, or its deserialized copy.</param>
    /// <param name="host">PowerShell's $Host.</param>
    /// <param name="style">PowerShell's $PSStyle.</param>
    public static string[] Lines(PSObject report, PSHost host, PSObject style) =>
        [.. ReportText.Lines(report.BaseObject as ReadinessReport ?? ReportCopy.Of(report), StyleFor(style) with { Width = WidthOf(host) })];

    /// <summary>The check's status in its colour.</summary>
    public static string Status(PSObject check, PSObject style)
    {
        var status = ReportCopy.Get<CheckStatus>(check, "Status");
        return StyleFor(style).Paint(status);
    }

    /// <summary>Text in lines, broken between words; PowerShell's tables break anywhere.</summary>
    /// <param name="text">What is found.</param>
    /// <param name="host">PowerShell's $Host.</param>
    /// <param name="taken">The cells of a line that other columns take.</param>
    public static string Wrap(string? text, PSHost host, int taken) =>
        string.Join(Environment.NewLine, ReportText.Wrap(text ?? "", Math.Max(Narrowest, WidthOf(host) - taken)));

    /// <summary>Hosts without a console have none, or throw.</summary>
    private static int WidthOf(PSHost? host)
    {
        try
        {
            return host?.UI?.RawUI?.BufferSize.Width is > 0 and var width ? width : DefaultWidth;
        }
        catch (Exception exception) when (exception is HostException or NotImplementedException or PSInvalidOperationException or IOException)
        {
            return DefaultWidth;
        }
    }

    /// <summary>PowerShell strips styles on their way to a file or a string, but not where its own output is redirected.</summary>
    private static bool IsPlain(PSObject style) => ReportCopy.Text(style, "OutputRendering") switch
    {
        "PlainText" => true,
        "Ansi" => false,
        _ => Console.IsOutputRedirected,
    };

    internal static ReportStyle StyleFor(PSObject style)
    {
        var plain = new ReportStyle { PassedAt = ".Checks", InventoryAt = ".Inventory" };
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
