using System.Diagnostics;
using System.Globalization;

namespace HerokuMigrator.Lab;

/// <summary>Finds what a migration left running: each process that has its folder in the command line, the environment or as its current folder.</summary>
public static class LeftoverProcesses
{
    /// <summary>Process ids and command lines; on a machine without /proc, none.</summary>
    public static IReadOnlyList<(int Id, string Command)> Of(string folder)
    {
        if (!Directory.Exists("/proc"))
        {
            return [];
        }

        List<(int Id, string Command)> found = [];
        foreach (var path in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(path), CultureInfo.InvariantCulture, out var id) && id != Environment.ProcessId && Mentions(path, folder) is { } command)
            {
                found.Add((id, command));
            }
        }

        return found;
    }

    /// <summary>Gives what is about to end a moment to do so.</summary>
    public static async Task<IReadOnlyList<(int Id, string Command)>> WaitForNoneAsync(string folder, TimeSpan patience, CancellationToken cancellationToken)
    {
        var watch = Stopwatch.StartNew();
        while (true)
        {
            var found = Of(folder);
            if (found.Count == 0 || watch.Elapsed > patience)
            {
                return found;
            }

            await Task.Delay(100, cancellationToken);
        }
    }

    /// <summary>Ends them, for a clean machine after a failure.</summary>
    public static void Kill(string folder)
    {
        foreach (var (id, _) in Of(folder))
        {
            try
            {
                using var process = Process.GetProcessById(id);
                process.Kill();
            }
            catch (Exception exception) when (exception is ArgumentException or InvalidOperationException or System.ComponentModel.Win32Exception)
            {
                // It ended by itself meanwhile.
            }
        }
    }

    private static string? Mentions(string path, string folder)
    {
        try
        {
            var command = File.ReadAllText(Path.Combine(path, "cmdline")).Replace('\0', ' ').Trim();
            if (command.Length == 0)
            {
                return null;
            }

            var mentions = command.Contains(folder, StringComparison.Ordinal)
                || File.ReadAllText(Path.Combine(path, "environ")).Contains(folder, StringComparison.Ordinal)
                || new FileInfo(Path.Combine(path, "cwd")).LinkTarget?.StartsWith(folder, StringComparison.Ordinal) == true;
            return mentions ? command : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
