using HerokuMigrator.Processes;
using HerokuMigrator.State;

namespace HerokuMigrator.Readiness;

internal sealed class HomeUsable : IReadinessCheck
{
    public string Id => nameof(HomeUsable);

    public string Group => CheckGroup.Host;

    public string Title => "The migration's home can be written";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        var home = context.Session.Home;
        var parent = ExistingParent(home.Folder);
        var runner = context.Session.Runner;
        if (!await TestAsync(runner, parent, user: null, cancellationToken, "-w", "-x"))
        {
            return Blocked(home, $"{parent} is closed to this user");
        }

        // What root makes below is open for walking through; what is there already must be.
        if (MigrationHome.RunAs is { } user && UserAccount.TryFind(user) is not null)
        {
            var (folder, test) = Directory.Exists(home.BucardoFolder) ? (home.BucardoFolder, "-w") : (parent, "-x");
            if (!await TestAsync(runner, folder, user, cancellationToken, test))
            {
                return Blocked(home, $"{folder} is closed to the user {user}");
            }
        }

        // Sockets of a home with a long path are made elsewhere.
        var sockets = context.Session.Cluster.SocketFolder;
        if (!sockets.StartsWith(home.BucardoFolder, StringComparison.Ordinal) && ExistingParent(sockets) is var beside
            && !(beside == Path.GetDirectoryName(sockets) && await TestAsync(runner, beside, user: null, cancellationToken, "-w", "-x") && await TestAsync(runner, beside, MigrationHome.RunAs, cancellationToken, "-x")))
        {
            return Blocked(home, $"its path is too long for a socket, and {Path.GetDirectoryName(sockets)} (TMPDIR) is missing or closed to this user");
        }

        return Finding.Pass($"{home.Folder} can be {(Directory.Exists(home.Folder) ? "written" : "made")}.");
    }

    /// <summary>The nearest folder that exists: nothing is made to find out.</summary>
    internal static string ExistingParent(string folder)
    {
        var path = Path.GetFullPath(folder);
        while (!Directory.Exists(path) && Path.GetDirectoryName(path) is { } parent)
        {
            path = parent;
        }

        return path;
    }

    private static Finding Blocked(MigrationHome home, string cause) =>
        FindingText.Blocked(Errors.HomeUnusable(home.Folder, cause), "Bucardo's configuration, password files and logs live there while the migration runs.");

    private static async Task<bool> TestAsync(ICommandRunner runner, string folder, string? user, CancellationToken cancellationToken, params string[] tests)
    {
        foreach (var test in tests)
        {
            if ((await runner.RunAsync(new ExternalCommand("test").WithArguments(test, folder).WithRunAs(user), cancellationToken)).ExitCode != 0)
            {
                return false;
            }
        }

        return true;
    }
}
