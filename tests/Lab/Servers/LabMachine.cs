using System.Globalization;

namespace HerokuMigrator.Lab;

/// <summary>What the lab needs to know about the machine that it runs on.</summary>
public static class LabMachine
{
    private static readonly Lazy<(string Name, int Uid, int Gid)> LazyServerUser = new(FindServerUser);
    private static readonly Lazy<string> LazyBinFolder = new(FindNewestBinFolder);

    public static bool IsRoot { get; } = string.Equals(Environment.UserName, "root", StringComparison.Ordinal) && Environment.IsPrivilegedProcess;

    /// <summary>The folder of initdb, postgres, pg_dump and psql: the newest PostgreSQL that is installed.</summary>
    public static string BinFolder => LazyBinFolder.Value;

    /// <summary>The unprivileged user that runs the servers where the lab runs as root; else the current user.</summary>
    internal static (string Name, int Uid, int Gid) ServerUser => LazyServerUser.Value;

    public static string Tool(string name) => Path.Combine(BinFolder, name);

    private static string FindNewestBinFolder()
    {
        const string DebianRoot = "/usr/lib/postgresql";
        var versions = Directory.Exists(DebianRoot) ? Directory.GetDirectories(DebianRoot) : [];
        var newest = versions
            .Select(folder => (Bin: Path.Combine(folder, "bin"), Version: double.TryParse(Path.GetFileName(folder), out var version) ? version : 0))
            .Where(candidate => File.Exists(Path.Combine(candidate.Bin, "initdb")))
            .OrderByDescending(candidate => candidate.Version)
            .Select(candidate => candidate.Bin)
            .FirstOrDefault();
        var onPath = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).FirstOrDefault(folder => File.Exists(Path.Combine(folder, "initdb")));
        return newest ?? onPath ?? throw new LabException("PostgreSQL's server programs (initdb, postgres) were not found; install the package 'postgresql'.");
    }

    private static (string Name, int Uid, int Gid) FindServerUser()
    {
        var users = File.ReadAllLines("/etc/passwd").Select(line => line.Split(':')).Where(fields => fields.Length > 3).ToList();
        var wanted = IsRoot ? ["postgres", "nobody"] : new[] { Environment.UserName };
        var user = wanted.Select(name => users.Find(fields => fields[0] == name)).FirstOrDefault(fields => fields is not null)
            ?? throw new LabException("Neither a user 'postgres' nor 'nobody' exists to run the servers as.");
        return (user[0], int.Parse(user[2], CultureInfo.InvariantCulture), int.Parse(user[3], CultureInfo.InvariantCulture));
    }
}
