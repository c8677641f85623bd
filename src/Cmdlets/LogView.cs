using System.Management.Automation;

namespace HerokuMigrator.Commands;

/// <summary>What the format file calls to show an entry of the log, also one that came back from a job or a file.</summary>
public static class LogView
{
    /// <summary>The entry's level in its colour.</summary>
    /// <param name="entry">An entry, or its deserialized copy.</param>
    /// <param name="style">PowerShell's $PSStyle.</param>
    public static string Level(PSObject entry, PSObject style)
    {
        var level = ReportCopy.Get<MigrationLogLevel>(entry, "Level");
        var colours = HostStyle.For(style);
        return level switch
        {
            MigrationLogLevel.Error => colours.Red + level + colours.Reset,
            MigrationLogLevel.Warning => colours.Yellow + level + colours.Reset,
            _ => level.ToString(),
        };
    }
}
