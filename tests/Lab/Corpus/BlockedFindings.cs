using System.Text.RegularExpressions;
using Npgsql;

namespace HerokuMigrator.Lab;

/// <summary>What to do about a report that blocks: its remedies are tried, and a plain restore of pg_dump's schema tells whether it was right to block.</summary>
internal static partial class BlockedFindings
{
    /// <summary>
    /// Runs the remedies that are SQL: on the source in the owner's name, or as a superuser where the owner may not; on the target as a superuser where the remedy says so,
    /// as the target's operator would. Returns what was done.
    /// </summary>
    public static async Task<IReadOnlyList<string>> MendAsync(ReadinessReport report, LabMove move, CancellationToken cancellationToken)
    {
        List<string> done = [];
        foreach (var check in report.Checks.Where(check => check.Status == CheckStatus.Blocked))
        {
            if (StatementsPattern().Match(check.Remedy) is { Success: true } statements)
            {
                done.Add(await TryAsync(statements.Value, move, cancellationToken));
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
        return [.. output.Split('\n').Where(line => line.Contains("ERROR:", StringComparison.Ordinal) && !line.Contains("pg_stat_statements", StringComparison.Ordinal))];
    }

    /// <summary>A remedy that does not work is found out by the start, which is refused again.</summary>
    private static async Task<string> TryAsync(string statements, LabMove move, CancellationToken cancellationToken)
    {
        try
        {
            return await RunAsync(statements, move, cancellationToken);
        }
        catch (PostgresException exception)
        {
            return $"refused ({exception.MessageText}): {statements}";
        }
    }

    private static async Task<string> RunAsync(string statements, LabMove move, CancellationToken cancellationToken)
    {
        var text = CommentPattern().Replace(statements, "").Trim();
        if (statements.Contains("on the target", StringComparison.Ordinal))
        {
            await move.Target.ExecuteAsync(statements, cancellationToken);
            return "on the target, as a superuser: " + text;
        }

        try
        {
            await move.Source.ExecuteAsync($"SET ROLE {SqlText.QuoteIdentifier(move.Source.Owner.Name)}; {statements}", cancellationToken);
            return text;
        }
        catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            await move.Source.ExecuteAsync(statements, cancellationToken);
            return "as a superuser of the source: " + text;
        }
    }

    /// <summary>From the first line that is SQL, or a comment of it, to the end.</summary>
    [GeneratedRegex(@"^(-- |ALTER |CREATE |DROP |GRANT |REVOKE |UPDATE |DELETE |SET |DO )[\s\S]*", RegexOptions.ExplicitCapture | RegexOptions.Multiline, 1000)]
    private static partial Regex StatementsPattern();

    [GeneratedRegex("^--.*\n?", RegexOptions.Multiline, 1000)]
    private static partial Regex CommentPattern();
}
