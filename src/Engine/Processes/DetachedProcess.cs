using System.Diagnostics;

namespace HerokuMigrator.Processes;

/// <summary>Starts a program that outlives this one, its output in a file. The only place beside the runner that starts processes.</summary>
internal static class DetachedProcess
{
    public static void Start(string fileName, IReadOnlyList<string> arguments, string logFile)
    {
        var start = new ProcessStartInfo("/bin/sh") { UseShellExecute = false };
        foreach (var argument in (string[])["-c", "log=$1; shift; exec \"$0\" \"$@\" >>\"$log\" 2>&1 </dev/null &", fileName, logFile, .. arguments])
        {
            start.ArgumentList.Add(argument);
        }

        using var shell = Process.Start(start);
        shell?.WaitForExit();
    }
}
