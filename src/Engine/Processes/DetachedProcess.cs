using System.Globalization;

namespace HerokuMigrator.Processes;

/// <summary>Starts a program that outlives this one.</summary>
internal static class DetachedProcess
{
    /// <summary>Its output goes to the end of a file; its process id is told.</summary>
    public static async Task<int> StartDetachedAsync(this ICommandRunner runner, string fileName, IReadOnlyList<string> arguments, string logFile, CancellationToken cancellationToken)
    {
        const string Script = "log=$1; shift; exec \"$0\" \"$@\" >>\"$log\" 2>&1 </dev/null & echo $!";
        var result = await runner.RunCheckedAsync(new ExternalCommand("/bin/sh").WithArguments(["-c", Script, fileName, logFile, .. arguments]), cancellationToken);
        return int.Parse(result.StandardOutput, CultureInfo.InvariantCulture);
    }
}
