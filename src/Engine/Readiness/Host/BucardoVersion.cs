using HerokuMigrator.Processes;

namespace HerokuMigrator.Readiness;

internal sealed class BucardoVersion : IReadinessCheck
{
    /// <summary>The one whose objects, tables and habits the capture is made for.</summary>
    private static readonly Version Known = new(5, 6, 0);

    public string Id => nameof(BucardoVersion);

    public string Group => CheckGroup.Host;

    public string Title => "Bucardo is of the version that the migration is made for";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        if (Programs.TryFind(Programs.Bucardo) is null)
        {
            return Finding.Skipped("There is no Bucardo on this machine; see ProgramsInstalled.");
        }

        var found = await Programs.FindAsync(Programs.Bucardo, context.Session.Runner, cancellationToken);
        return found.Version == Known
            ? Finding.Pass($"{found}.")
            : Finding.Warning(
                $"{found} is not {Known}.",
                "The capture on the source, and what is read from Bucardo's own tables, are made and tested for that version. Another one may look for other objects, and lose changes or stop.",
                $"apt-get install 'bucardo={Known}-*'   # or a machine with that version; with another one try the whole migration on a copy first",
                [found.Path]);
    }
}
