using System.Text.RegularExpressions;

namespace HerokuMigrator.Logs;

/// <summary>Leaves out what servers quote of rows in their messages: what goes into a report or to a support desk is no place for it.</summary>
internal static partial class RowValues
{
    public static string Mask(string text) => CopyLine().Replace(WholeRow().Replace(Key().Replace(text, "${columns}=(…)"), "${before}(…)"), "${before}: \"…\"");

    /// <summary>Of a key that is there twice, or not at all: <c>Key (email)=(a@b.example) already exists</c>.</summary>
    [GeneratedRegex("""(?<columns>\bKey \([^)]*\))=\(.*?\)(?= (already|is|conflicts|does)|$)""", RegexOptions.ExplicitCapture | RegexOptions.Multiline, 5000)]
    private static partial Regex Key();

    /// <summary>Of a constraint that does not hold: <c>Failing row contains (1, a@b.example).</c></summary>
    [GeneratedRegex("""(?<before>\bFailing row contains )\(.*\)""", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex WholeRow();

    /// <summary>Of a line that a copy stumbled over: <c>COPY people, line 3, column email: "a@b.example"</c>.</summary>
    [GeneratedRegex("""(?<before>\bCOPY [^\n]*?, line \d+(, column [^:\n]*)?): ".*""", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex CopyLine();
}
