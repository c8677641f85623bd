using System.Diagnostics;
using HerokuMigrator.Lab;

namespace HerokuMigrator.Integration;

/// <summary>A mount namespace of its own, in which one program sees other files than the rest of this machine.</summary>
internal static class MountNamespace
{
    /// <summary>A wrapper that runs a script of mounts, then the program. Null with the reason where this machine does not allow it.</summary>
    public static async Task<(IReadOnlyList<string>? Wrapper, string Reason)> TryAsync(string script, CancellationToken cancellationToken)
    {
        if (!LabMachine.IsRoot)
        {
            return (null, "only root can show one process other files than the rest of the machine (unshare --mount); this was not tried");
        }

        string[] wrapper = ["unshare", "--mount", "--propagation", "private", "sh", "-c", $"{script} && exec \"$@\"", "sh"];
        using var process = Process.Start(new ProcessStartInfo(wrapper[0], [.. wrapper[1..], "true"]) { UseShellExecute = false, RedirectStandardError = true, RedirectStandardOutput = true })!;
        var error = process.StandardError.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        return process.ExitCode == 0 ? (wrapper, "") : (null, $"no such mount namespace can be made here ({(await error).Trim()}); this was not tried");
    }
}
