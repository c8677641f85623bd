using System.Globalization;
using System.Text;

namespace HerokuMigrator.Reporting;

/// <summary>Breaks text into lines of a terminal.</summary>
internal static class TextWrap
{
    /// <summary>The cells of a terminal that the text takes.</summary>
    public static int Cells(string text) => text.EnumerateRunes().Sum(Cells);

    /// <summary>Text that does not fit is broken at blanks, and a word that is too long anywhere.</summary>
    public static IReadOnlyList<string> Lines(string text, int width) =>
        [.. text.ReplaceLineEndings("\n").Split('\n').SelectMany(line => Fill(line.Split(' ').SelectMany(word => Cut(word, width)), width))];

    /// <summary>Puts as many pieces on a line as fit, with a blank between them.</summary>
    public static IReadOnlyList<string> Fill(IEnumerable<string> pieces, int width)
    {
        var lines = new List<string>();
        var line = new StringBuilder();
        var cells = 0;
        foreach (var piece in pieces)
        {
            var wanted = Cells(piece);
            if (line.Length > 0 && cells + 1 + wanted > width)
            {
                lines.Add(line.ToString());
                line.Clear().Append(piece);
                cells = wanted;
                continue;
            }

            cells += wanted + (line.Length > 0 ? 1 : 0);
            line.Append(line.Length > 0 ? " " : "").Append(piece);
        }

        lines.Add(line.ToString());
        return lines;
    }

    /// <summary>The text where it fits; else as much of it as leaves room for a sign that something was cut.</summary>
    public static string Fit(string text, int width) => Cells(text) <= width ? text : width <= 1 ? "" : Cut(text, width - 1).First() + "…";

    /// <summary>Exactly that wide.</summary>
    public static string Pad(string text, int width) => Fit(text, width) is var fitted ? fitted + new string(' ', Math.Max(0, width - Cells(fitted))) : text;

    /// <summary>Control characters, which a table's name may hold, are shown and do not act on the terminal; line breaks stay.</summary>
    public static string Visible(string text) => string.Create(text.Length, text, (shown, original) =>
    {
        for (var at = 0; at < shown.Length; at++)
        {
            var character = original[at];
            shown[at] = character switch
            {
                '\n' or '\r' or '\t' => character,
                < ' ' => (char)('\u2400' + character),
                '\u007f' => '\u2421',
                >= '\u0080' and <= '\u009f' => '\ufffd',
                _ => character,
            };
        }
    });

    private static IEnumerable<string> Cut(string word, int width)
    {
        while (Cells(word) > width)
        {
            var (end, cells) = (0, 0);
            foreach (var rune in word.EnumerateRunes())
            {
                cells += Cells(rune);
                if (cells > width && end > 0)
                {
                    break;
                }

                end += rune.Utf16SequenceLength;
            }

            yield return word[..end];
            word = word[end..];
        }

        yield return word;
    }

    private static int Cells(Rune rune) => rune.Value switch
    {
        < 0x300 => 1,
        _ when Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Format => 0,
        (>= 0x1100 and <= 0x115F) or (>= 0x2E80 and <= 0xA4CF) or (>= 0xAC00 and <= 0xD7A3) or (>= 0xF900 and <= 0xFAFF)
            or (>= 0xFE30 and <= 0xFE6F) or (>= 0xFF00 and <= 0xFF60) or (>= 0x1F300 and <= 0x1FAFF) or (>= 0x20000 and <= 0x3FFFD) => 2,
        _ => 1,
    };
}
