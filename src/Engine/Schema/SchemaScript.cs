using System.Text;
using System.Text.RegularExpressions;

namespace HerokuMigrator.Schema;

/// <summary>Takes the script that pg_restore prints apart into its entries, by the comment that heads each of them.</summary>
internal static partial class SchemaScript
{
    public sealed record Part(string Kind, string Schema, string Name, string Sql);

    public static IReadOnlyList<Part> Split(string script)
    {
        var lines = script.Split('\n');
        var parts = new List<Part>();
        Match? head = null;
        var body = new StringBuilder();
        for (var at = 0; at < lines.Length; at++)
        {
            if (lines[at] == "--" && at + 2 < lines.Length && lines[at + 2] == "--" && HeadPattern().Match(lines[at + 1]) is { Success: true } found)
            {
                Finish();
                head = found;
                at += 2;
            }
            else if (!IsSessionLine(lines[at]))
            {
                body.Append(lines[at]).Append('\n');
            }
        }

        Finish();
        return parts;

        void Finish()
        {
            if (head is not null && HasStatement(body.ToString()))
            {
                parts.Add(new Part(head.Groups["kind"].Value, head.Groups["schema"].Value, head.Groups["name"].Value, body.ToString().Trim()));
            }

            body.Clear();
        }
    }

    /// <summary>Settings of the session that stand between two entries; ours are set once for the connection.</summary>
    private static bool IsSessionLine(string line) =>
        line.StartsWith("SET default_tablespace = ", StringComparison.Ordinal)
        || line.StartsWith("SET default_table_access_method = ", StringComparison.Ordinal)
        || line.StartsWith("\\restrict ", StringComparison.Ordinal)
        || line.StartsWith("\\unrestrict ", StringComparison.Ordinal)
        || line is "-- PostgreSQL database dump complete";

    private static bool HasStatement(string sql) =>
        sql.Split('\n').Any(line => !string.IsNullOrWhiteSpace(line) && !line.StartsWith("--", StringComparison.Ordinal));

    [GeneratedRegex("^-- Name: (?<name>.*); Type: (?<kind>[A-Z ]+); Schema: (?<schema>.*); Owner: .*$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex HeadPattern();
}
