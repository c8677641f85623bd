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

    /// <summary>A shell script beside the programs, or in place of one.</summary>
    public void Add(string name, string script)
    {
        var path = Path.Combine(_folder.FullName, name);
        File.Delete(path);
        File.WriteAllText(path, "#!/bin/sh\n" + script + "\n");
        File.SetUnixFileMode(path, (UnixFileMode)0b111_101_101);
    }

    /// <summary>
    /// A wrapper under which a program sees an empty folder where PostgreSQL's programs are: a mount namespace of its own.
    /// Null with the reason where this machine does not allow one.
    /// </summary>
    public static async Task<(IReadOnlyList<string>? Wrapper, string Reason)> HidePostgresAsync(CancellationToken cancellationToken)
    {
        return Directory.Exists(Installations)
            ? await MountNamespace.TryAsync($"mount -t tmpfs none {Installations}", cancellationToken)
            : (null, $"PostgreSQL is not in {Installations} here; its programs cannot be hidden from one process");
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
