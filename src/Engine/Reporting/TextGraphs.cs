namespace HerokuMigrator.Reporting;

/// <summary>Bars and sparklines of a terminal's characters.</summary>
/// <param name="unicode">False where the terminal can show no more than ASCII.</param>
internal sealed class TextGraphs(bool unicode)
{
    private const string Blocks = "▁▂▃▄▅▆▇█";
    private const string AsciiBlocks = "__..--=#";

    public string Done => unicode ? "✓" : "+";

    public string Now => unicode ? "▶" : ">";

    public string Later => unicode ? "·" : ".";

    /// <summary>Full at 100 only.</summary>
    public string Bar(double percent, int cells)
    {
        var full = (int)(Math.Clamp(percent, 0, 100) * cells / 100);
        return new string(unicode ? '█' : '#', full) + new string(unicode ? '░' : '.', cells - full);
    }

    /// <summary>A sign a value, from 0 to the highest of them.</summary>
    public string Sparkline(IReadOnlyList<double> values)
    {
        var most = values.DefaultIfEmpty().Max();
        var blocks = unicode ? Blocks : AsciiBlocks;
        return string.Concat(values.Select(value => blocks[most > 0 ? (int)Math.Round(Math.Max(0, value) / most * (blocks.Length - 1)) : 0]));
    }
}
