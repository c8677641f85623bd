using System.Management.Automation;
using System.Management.Automation.Host;
using HerokuMigrator.Reporting;

namespace HerokuMigrator.Commands;

/// <summary>What PowerShell's host can show: its size, and the colours of $PSStyle where they are wanted.</summary>
internal static class HostStyle
{
    private const int DefaultWidth = 120;

    /// <summary>The window's, or a usual one: hosts without a console have none, or throw.</summary>
    public static Size SizeOf(PSHost? host) =>
        Ask(host, raw => raw.WindowSize) is { Width: > 0, Height: > 0 } size ? size : new Size(LiveView.DefaultWidth, LiveView.DefaultHeight);

    /// <summary>The cells of a line.</summary>
    public static int WidthOf(PSHost? host) => Ask(host, raw => raw.BufferSize) is { Width: > 0 and var width } ? width : DefaultWidth;

    /// <param name="style">PowerShell's $PSStyle.</param>
    public static ReportStyle For(PSObject style)
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

    private static Size Ask(PSHost? host, Func<PSHostRawUserInterface, Size> question)
    {
        try
        {
            return host?.UI?.RawUI is { } raw ? question(raw) : default;
        }
        catch (Exception exception) when (exception is HostException or NotImplementedException or PSInvalidOperationException or IOException)
        {
            return default;
        }
    }

    /// <summary>PowerShell strips styles on their way to a file or a string, but not where its own output is redirected.</summary>
    private static bool IsPlain(PSObject style) => ReportCopy.Text(style, "OutputRendering") switch
    {
        "PlainText" => true,
        "Ansi" => false,
        _ => Console.IsOutputRedirected,
    };
}
