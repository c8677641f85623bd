using System.Text.RegularExpressions;

namespace HerokuMigrator.Lab;

/// <summary>What to do about a report that blocks: its remedies are tried, and a plain restore of pg_dump's schema tells whether it was right to block.</summary>
internal static partial class BlockedFindings
{
    /// <summary>
    /// Runs the remedies that are SQL on the source, in the owner's name; as the target's operator, makes the extensions that the target's role may not make.
    /// Returns what was done.
    /// </summary>
    public static async Task<IReadOnlyList<string>> MendAsync(ReadinessReport report, LabMove move, CancellationToken cancellationToken)
    {
        List<string> done = [];
        foreach (var check in report.Checks.Where(check => check.Status == CheckStatus.Blocked))
        {
            if (check.Id == "Extensions")
            {
                done.AddRange(await ExtensionDifferences.MakeOnTargetAsync(move, cancellationToken));
            }
            else if (StatementPattern().IsMatch(check.Remedy))
            {
                await move.Source.ExecuteAsync($"SET ROLE {SqlText.QuoteIdentifier(move.Source.Owner.Name)}; {check.Remedy}", cancellationToken);
                done.Add(check.Remedy);
            }
        }

        return done;
    }

    /// <summary>The errors of pg_dump --schema-only | psql into a database like the target, by a role like the target's.</summary>
    public static async Task<IReadOnlyList<string>> RestoreDumpAsync(LabMove move, CancellationToken cancellationToken)
    {
        var dump = await LabCommand.RunAsServerUserAsync(
            LabMachine.Tool("pg_dump"), ["--schema-only", "--no-owner", "--no-privileges", .. move.Source.Server.AdminArguments(move.Source.Name)], input: null, cancellationToken);
        await using var scratch = await PlanetScaleLikeDatabase.CreateAsync(move.Target.Server, "p" + LabRole.RandomHex(6), cancellationToken);
        var (_, output) = await LabCommand.TryRunAsync(
            LabMachine.Tool("psql"), ["-X", "-q", "-d", scratch.Url], new Dictionary<string, string>(), cancellationToken, dump);
        return [.. output.Split('\n').Where(line => line.Contains("ERROR:", StringComparison.Ordinal))];
    }

    [GeneratedRegex(@"^(ALTER|CREATE|DROP|GRANT|REVOKE|UPDATE|DELETE|SET|DO) ", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex StatementPattern();
}
