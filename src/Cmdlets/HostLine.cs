using System.Management.Automation;

namespace HerokuMigrator.Commands;

/// <summary>A line for whoever reads along, as Write-Host writes it: seen on a host and in its log, and never part of the output.</summary>
internal static class HostLine
{
    private static readonly string[] Tags = ["PSHOST"];

    public static void Write(Cmdlet cmdlet, string line) => cmdlet.WriteInformation(new HostInformationMessage { Message = line }, Tags);
}
