using System.Text.RegularExpressions;

namespace HerokuMigrator.Processes;

/// <summary>A program that was found, and what <c>--version</c> says.</summary>
public sealed record FoundProgram(string Name, string Path, Version Version)
{
    public override string ToString() => $"{Name} {Version} ({Path})";
}

/// <summary>
/// Finds the programs outside. Clients come from PATH, then from the newest PostgreSQL on the machine;
/// the programs of the server come from the newest one that has PL/Perl, which Bucardo's control database needs.
/// </summary>
public static partial class Programs
{
    public const string PgDump = "pg_dump";
    public const string PgRestore = "pg_restore";
    public const string Psql = "psql";
    public const string InitDb = "initdb";
    public const string PgCtl = "pg_ctl";
    public const string Postgres = "postgres";
    public const string Bucardo = "bucardo";

    private static readonly string[] ServerPrograms = [InitDb, PgCtl, Postgres];

    private static readonly string[] InstallationPatterns = ["/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin"];

    /// <summary>The path of a program.</summary>
    /// <exception cref="MigrationException">ProgramMissing, naming the package that has it.</exception>
    public static string Find(string name) => TryFind(name) ?? throw Missing(name);

    public static string? TryFind(string name)
    {
        if (ServerPrograms.Contains(name))
            return ServerFolder() is { } folder ? Path.Combine(folder, name) : null;
        return OnPath(name) ?? Installations().Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);
    }

    /// <summary>Path and version of a program.</summary>
    /// <exception cref="MigrationException">ProgramMissing, CommandFailed.</exception>
    public static async Task<FoundProgram> FindAsync(string name, ICommandRunner runner, CancellationToken cancellationToken)
    {
        var path = Find(name);
        // Debian's /etc/bucardorc is closed to all but root, and bucardo gives up where it cannot read one.
        string[] arguments = name == Bucardo ? ["--no-bucardorc", "--version"] : ["--version"];
        var result = await runner.RunCheckedAsync(new ExternalCommand(path).WithArguments(arguments), cancellationToken);
        var match = VersionPattern().Match(result.StandardOutput);
        if (!match.Success)
            throw new MigrationException("ProgramNotRunnable", ErrorKind.InvalidData, $"{path} does not tell its version.", $"Run {path} --version and see what it says.") { Subject = name };
        return new FoundProgram(name, path, Version.Parse(match.Value.Contains('.') ? match.Value : match.Value + ".0"));
    }

    /// <summary>The path that a command's file name stands for: as given where it holds a slash, else looked up.</summary>
    internal static string Resolve(string fileName)
    {
        if (!fileName.Contains('/'))
            return Find(fileName);
        return File.Exists(fileName) ? fileName : throw Missing(fileName);
    }

    internal static MigrationException Missing(string fileName, Exception? inner = null)
    {
        var name = Path.GetFileName(fileName);
        var hasServer = ServerPrograms.Contains(name) && Installations().Any(folder => File.Exists(Path.Combine(folder, name)));
        var cause = hasServer
            ? $"{name} was found, but no PostgreSQL on this machine has PL/Perl, which Bucardo's control database needs."
            : $"{name} was not found{(fileName.Contains('/') ? $" as {fileName}" : "")}: neither on the PATH nor in a folder of PostgreSQL.";
        return new MigrationException("ProgramMissing", ErrorKind.NotInstalled, cause, Advice(name), inner) { Subject = name };
    }

    private static string Advice(string name)
    {
        var package = name switch
        {
            PgDump or PgRestore or Psql => "postgresql-client",
            InitDb or PgCtl or Postgres => Installations().FirstOrDefault() is { } folder && Major(folder) is > 0 and var major
                ? $"postgresql-{major} postgresql-plperl-{major}"
                : "postgresql postgresql-plperl",
            Bucardo => "bucardo",
            "setpriv" => "util-linux",
            _ => null,
        };
        return package is null
            ? $"Install {name}, or put its folder on the PATH, then run the same command again."
            : $"Install it (apt-get install {package}), then run the same command again.";
    }

    private static string? OnPath(string name)
    {
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        return folders.Select(folder => Path.Combine(folder, name)).FirstOrDefault(path => File.Exists(path) && !IsDebianWrapper(path));
    }

    /// <summary>Debian's pg_wrapper picks a version by the clusters of this machine, which say nothing about the databases meant here.</summary>
    private static bool IsDebianWrapper(string path) =>
        new FileInfo(path).ResolveLinkTarget(returnFinalTarget: true) is { Name: "pg_wrapper" };

    private static string? ServerFolder() =>
        Installations().FirstOrDefault(folder =>
            ServerPrograms.All(name => File.Exists(Path.Combine(folder, name)))
            && File.Exists(Path.Combine(folder, "..", "lib", "plperl.so")));

    /// <summary>The bin folders of all PostgreSQL installations, the newest first.</summary>
    private static IEnumerable<string> Installations() =>
        InstallationPatterns.SelectMany(Expand).OrderByDescending(Major);

    private static IEnumerable<string> Expand(string pattern)
    {
        var star = pattern[..pattern.LastIndexOf('/')];
        var parent = Path.GetDirectoryName(star)!;
        return Directory.Exists(parent)
            ? Directory.EnumerateDirectories(parent, Path.GetFileName(star)).Select(folder => Path.Combine(folder, "bin")).Where(Directory.Exists)
            : [];
    }

    private static int Major(string folder) =>
        MajorPattern().Match(Path.GetFileName(Path.GetDirectoryName(folder)!)) is { Success: true } match ? int.Parse(match.Value) : 0;

    [GeneratedRegex(@"\d+(\.\d+)*", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex VersionPattern();

    [GeneratedRegex(@"\d+", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex MajorPattern();
}
