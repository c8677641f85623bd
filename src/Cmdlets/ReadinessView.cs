using System.Management.Automation;
using System.Management.Automation.Host;
using HerokuMigrator.Reporting;

namespace HerokuMigrator.Commands;

/// <summary>What the format file calls to show a report, also one that came back from a job or a file.</summary>
public static class ReadinessView
{
    private const int Narrowest = 20;

    /// <param name="report">A report, or its deserialized copy.</param>
    /// <param name="host">PowerShell's $Host.</param>
    /// <param name="style">PowerShell's $PSStyle.</param>
    public static string[] Lines(PSObject report, PSHost host, PSObject style) =>
        [.. ReportText.Lines(report.BaseObject as ReadinessReport ?? ReportCopy.Of(report), HostStyle.For(style) with { Width = HostStyle.WidthOf(host) })];

    /// <summary>The check's status in its colour.</summary>
    public static string Status(PSObject check, PSObject style)
    {
        var status = ReportCopy.Get<CheckStatus>(check, "Status");
        return HostStyle.For(style).Paint(status);
    }

    /// <summary>Text in lines, broken between words; PowerShell's tables break anywhere.</summary>
    /// <param name="text">What is found.</param>
    /// <param name="host">PowerShell's $Host.</param>
    /// <param name="taken">The cells of a line that other columns take.</param>
    public static string Wrap(string? text, PSHost host, int taken) =>
        string.Join(Environment.NewLine, ReportText.Wrap(text ?? "", Math.Max(Narrowest, HostStyle.WidthOf(host) - taken)));
}
