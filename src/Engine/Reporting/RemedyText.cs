using System.Text;
using System.Text.RegularExpressions;

namespace HerokuMigrator.Reporting;

/// <summary>A remedy in lines of a terminal that can still be pasted: never broken within a quoted name or a literal, and a comment stays a comment.</summary>
internal static partial class RemedyText
{
    private const string Comment = "-- ";

    public static IReadOnlyList<string> Lines(string remedy, int width) =>
        [.. remedy.ReplaceLineEndings("\n").Split('\n').SelectMany(line => Wrap(line.TrimEnd(), width))];

    private static IEnumerable<string> Wrap(string line, int width)
    {
        // A shell ends a command at the end of the line; the terminal wraps it softly.
        if (TextWrap.Cells(line) <= width || CommandPattern.IsMatch(line))
        {
            return [line];
        }

        var pieces = Pieces(line);
        var comment = pieces.FindIndex(piece => piece.StartsWith("--", StringComparison.Ordinal));
        if (comment < 0)
        {
            return TextWrap.Fill(pieces, width);
        }

        var words = string.Join(' ', pieces.Skip(comment))[2..].TrimStart();
        var commented = TextWrap.Fill(words.Split(' '), width - Comment.Length).Select(text => Comment + text);
        return comment == 0 ? commented : [.. TextWrap.Fill(pieces.Take(comment), width), .. commented];
    }

    /// <summary>What stands between the blanks outside of quotes.</summary>
    private static List<string> Pieces(string line)
    {
        var pieces = new List<string>();
        var piece = new StringBuilder();
        for (var at = 0; at < line.Length;)
        {
            if (line[at] == ' ')
            {
                pieces.Add(piece.ToString());
                piece.Clear();
                at++;
                continue;
            }

            var length = QuotedLength(line, at);
            piece.Append(line, at, length);
            at += length;
            if (piece is [.., '-', '-'] && piece.Length == 2)
            {
                return [.. pieces, "--" + line[at..]];
            }
        }

        return [.. pieces, piece.ToString()];
    }

    /// <summary>The length of the literal, the name or the dollar-quoted text that begins here; 1 where none does.</summary>
    private static int QuotedLength(string line, int at)
    {
        if (line[at] is '"' || (line[at] is '\'' && OpensLiteral(line, at)))
        {
            var end = line.IndexOf(line[at], at + 1);
            return end < 0 ? line.Length - at : end - at + 1;
        }

        if (line[at] == '$' && DollarTag.Match(line, at) is { Success: true } tag)
        {
            var end = line.IndexOf(tag.Value, at + tag.Length, StringComparison.Ordinal);
            return end < 0 ? line.Length - at : end - at + tag.Length;
        }

        return 1;
    }

    /// <summary>An apostrophe within a word of prose opens nothing.</summary>
    private static bool OpensLiteral(string line, int at) =>
        at == 0 || !char.IsLetterOrDigit(line[at - 1]) || ((line[at - 1] is 'E' or 'B' or 'X' or 'e' or 'b' or 'x') && (at == 1 || !char.IsLetterOrDigit(line[at - 2])));

    /// <summary>A program's name, or a cmdlet's; SQL and prose begin with a capital letter.</summary>
    [GeneratedRegex(@"\A\s*(?:[a-z]|\./|[A-Z][a-z]+-[A-Z][A-Za-z]+\b)", RegexOptions.None, 1000)]
    private static partial Regex CommandPattern { get; }

    [GeneratedRegex(@"\G\$(?:[A-Za-z_][A-Za-z_0-9]*)?\$", RegexOptions.None, 1000)]
    private static partial Regex DollarTag { get; }
}
