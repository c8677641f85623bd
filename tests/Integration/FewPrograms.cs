using System.Diagnostics;
using HerokuMigrator.Lab;

namespace HerokuMigrator.Integration;

/// <summary>A folder for PATH that has some of this machine's programs and no other.</summary>
internal sealed class FewPrograms : IDisposable
{
    private const string Installations = "/usr/lib/postgresql";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("hm-spec-");

    public FewPrograms(params IEnumerable<string> names)
    {
        File.SetUnixFileMode(_folder.FullName, (UnixFileMode)0b111_101_101);
        foreach (var name in names)
        {
            var path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Select(folder => Path.Combine(folder, name)).First(File.Exists);
            File.CreateSymbolicLink(Path.Combine(_folder.FullName, name), path);
        }
    }

    public string Folder => _folder.FullName;

    /// <summary>
    /// A wrapper under which a program sees an empty folder where PostgreSQL's programs are: a mount namespace of its own.
    /// Null with the reason where this machine does not allow one.
    /// </summary>
    public static async Task<(IReadOnlyList<string>? Wrapper, string Reason)> HidePostgresAsync(CancellationToken cancellationToken)
    {
        if (!LabMachine.IsRoot)
        {
            return (null, "only root can hide PostgreSQL's programs from one process (unshare --mount); missing programs of PostgreSQL were not tried");
        }

        if (!Directory.Exists(Installations))
        {
            return (null, $"PostgreSQL is not in {Installations} here; its programs cannot be hidden from one process");
        }

        string[] wrapper = ["unshare", "--mount", "--propagation", "private", "sh", "-c", $"mount -t tmpfs none {Installations} && exec \"$@\"", "sh"];
        using var process = Process.Start(new ProcessStartInfo(wrapper[0], [.. wrapper[1..], "ls", Installations]) { UseShellExecute = false, RedirectStandardError = true, RedirectStandardOutput = true })!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(cancellationToken), process.StandardError.ReadToEndAsync(cancellationToken));
        await process.WaitForExitAsync(cancellationToken);
        return process.ExitCode == 0 && (await output).Length == 0
            ? (wrapper, "")
            : (null, $"no mount namespace can be made here ({(await error).Trim()}); missing programs of PostgreSQL were not tried");
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
