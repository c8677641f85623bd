namespace HerokuMigrator.Reporting;

/// <summary>One cell of a table, and what colours its text once it has its width.</summary>
internal sealed record TextCell(string Text, Func<string, string>? Paint = null)
{
    public static implicit operator TextCell(string text) => new(text);
}

/// <summary>A table for a terminal: the last column takes what is left of the line, and wraps.</summary>
internal sealed class TextTable(params IReadOnlyList<string> headers)
{
    private const int NarrowestColumn = 20;

    private readonly List<IReadOnlyList<TextCell>> _rows = [];

    public void Add(params IReadOnlyList<TextCell> cells) => _rows.Add([.. cells.Select(cell => cell with { Text = TextWrap.Visible(cell.Text) })]);

    public IEnumerable<string> Lines(ReportStyle style, int leastFirst = 0)
    {
        var widths = Enumerable.Range(0, headers.Count)
            .Select(column => _rows.Select(row => TextWrap.Cells(row[column].Text)).Append(headers[column].Length).Append(column == 0 ? leastFirst : 0).Max()).ToArray();
        widths[^1] = Math.Clamp(style.Width - widths[..^1].Sum(width => width + 1), NarrowestColumn, Math.Max(NarrowestColumn, widths[^1]));
        IReadOnlyList<TextCell> titles = [.. headers.Select(header => new TextCell(header, style.Strong))];
        IReadOnlyList<TextCell> rules = [.. headers.Select(header => new TextCell(new string('-', header.Length), style.Strong))];
        return new[] { titles, rules }.Concat(_rows).SelectMany(row => RowLines(row, widths));
    }

    private static IEnumerable<string> RowLines(IReadOnlyList<TextCell> row, int[] widths)
    {
        var cells = row.Select((cell, column) => TextWrap.Lines(cell.Text, widths[column])).ToArray();
        for (var line = 0; line < cells.Max(cell => cell.Count); line++)
        {
            yield return Row([.. cells.Select((cell, column) => Painted(line < cell.Count ? cell[line] : "", row[column], widths[column]))]);
        }
    }

    private static string Painted(string text, TextCell cell, int width) =>
        text.Length == 0 || cell.Paint is null ? Pad(text, width) : cell.Paint(text) + Pad("", width - TextWrap.Cells(text));

    private static string Pad(string text, int width) => text + new string(' ', Math.Max(0, width - TextWrap.Cells(text)));

    private static string Row(IReadOnlyList<string> cells) => string.Join(' ', cells).TrimEnd();
}
