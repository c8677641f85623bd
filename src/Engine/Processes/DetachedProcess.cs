using System.Diagnostics;
using System.Globalization;

namespace HerokuMigrator.Processes;

/// <summary>Starts a program that outlives this one, its output in a file; tells its process id. The only place beside the runner that starts processes.</summary>
internal static class DetachedProcess
{
    public static int Start(string fileName, IReadOnlyList<string> arguments, string logFile)
    {
        var start = new ProcessStartInfo("/bin/sh") { UseShellExecute = false, RedirectStandardOutput = true };
        foreach (var argument in (string[])["-c", "log=$1; shift; exec \"$0\" \"$@\" >>\"$log\" 2>&1 </dev/null & echo $!", fileName, logFile, .. arguments])
        {
            start.ArgumentList.Add(argument);
        }

        using var shell = Process.Start(start)!;
        var pid = int.Parse(shell.StandardOutput.ReadToEnd(), CultureInfo.InvariantCulture);
        shell.WaitForExit();
        return pid;
    }
}
