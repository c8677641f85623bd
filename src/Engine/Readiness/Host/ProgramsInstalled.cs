using HerokuMigrator.Processes;
using HerokuMigrator.State;

namespace HerokuMigrator.Readiness;

internal sealed class ProgramsInstalled : IReadinessCheck
{
    private const string BucardoSchema = "/usr/share/bucardo/bucardo.schema";

    private static readonly string[] Needed = [Programs.PgDump, Programs.PgRestore, Programs.Psql, Programs.InitDb, Programs.PgCtl, Programs.Postgres, Programs.Bucardo];

    /// <summary>Small ones that a minimal system may lack, with Debian's package.</summary>
    private static readonly (string Tool, string Package)[] SystemTools = [("kill", "procps"), ("setsid", "util-linux"), ("setpriv", "util-linux"), ("chown", "coreutils")];

    public string Id => nameof(ProgramsInstalled);

    public string Group => CheckGroup.Host;

    public string Title => "This machine has the programs that the migration runs";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        var runner = context.Session.Runner;
        var problems = new List<(string Program, string Text, string Remedy)>();
        var found = new List<FoundProgram>();
        foreach (var name in Needed)
        {
            try
            {
                found.Add(await Programs.FindAsync(name, runner, cancellationToken));
            }
            catch (MigrationException exception)
            {
                problems.Add((name, exception.Message, exception.ErrorId == "ProgramMissing" ? $"apt-get install {Packages(name)}" : exception.RecommendedAction));
            }
        }

        foreach (var (tool, package) in SystemTools)
        {
            if (Programs.TryFind(tool) is null)
            {
                problems.Add((tool, $"{tool} was not found.", $"apt-get install {package}"));
            }
        }

        if (found.Any(program => program.Name == Programs.Bucardo) && !File.Exists(BucardoSchema))
        {
            problems.Add((Programs.Bucardo, $"{BucardoSchema} is missing.", "apt-get install --reinstall bucardo"));
        }

        if (MigrationHome.RunAs is { } user && UserAccount.TryFind(user) is null)
        {
            problems.Add((user, $"The user {user}, as whom the servers run when this program is root, does not exist.", $"useradd --system --create-home {user}"));
        }

        await using var source = await context.OpenSourceAsync(cancellationToken);
        var server = await ServerVersions.MajorAsync(source, cancellationToken);
        foreach (var client in found.Where(program => program.Name is Programs.PgDump or Programs.PgRestore && program.Version.Major < server))
        {
            problems.Add((client.Name, $"{client} is older than the source, PostgreSQL {server}.", $"apt-get install postgresql-client-{server}   # from apt.postgresql.org where the system's own is older"));
        }

        return problems.Count == 0
            ? Finding.Pass(string.Join(", ", found) + ".")
            : Finding.Blocked(
                string.Join(" ", problems.Select(problem => problem.Text)),
                "pg_dump and pg_restore carry the schema; Bucardo replays changes and keeps its configuration in a private PostgreSQL with PL/Perl.",
                string.Join('\n', problems.Select(problem => problem.Remedy).Distinct(StringComparer.Ordinal)),
                [.. problems.Select(problem => problem.Program).Distinct(StringComparer.Ordinal)]);
    }

    private static string Packages(string program) => program switch
    {
        Programs.Bucardo => "bucardo",
        Programs.InitDb or Programs.PgCtl or Programs.Postgres => "postgresql postgresql-plperl",
        _ => "postgresql-client",
    };
}
