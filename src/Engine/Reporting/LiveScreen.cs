using System.Text;

namespace HerokuMigrator.Reporting;

/// <summary>What a terminal is to be sent so that each frame takes the place of the one before: text alone, whoever writes it.</summary>
internal sealed class LiveScreen
{
    private const string HideCursor = "\e[?25l";
    private const string ShowCursor = "\e[?25h";
    private const string ClearRestOfLine = "\e[K";
    private const string ClearBelow = "\e[J";
    private const string ClearAll = "\e[2J\e[H";

    private int _lines;
    private (int Width, int Height) _size;

    /// <param name="lines">At most one less than the screen has, none wider than it.</param>
    /// <param name="width">Cells of a line, now.</param>
    /// <param name="height">Lines, now.</param>
    public string Draw(IReadOnlyList<string> lines, int width, int height)
    {
        var text = new StringBuilder(HideCursor).Append(_lines == 0 ? "\r" : _size == (width, height) ? Up() : ClearAll);
        foreach (var line in lines)
        {
            text.Append(line).Append(ClearRestOfLine).Append('\n');
        }

        (_lines, _size) = (lines.Count, (width, height));
        return text.Append(ClearBelow).ToString();
    }

    /// <summary>Gives the cursor back: below the last frame, or where it was before the first.</summary>
    public string End(bool keepFrame)
    {
        var text = _lines == 0 ? "" : keepFrame ? ShowCursor : Up() + ClearBelow + ShowCursor;
        _lines = 0;
        return text;
    }

    private string Up() => $"\e[{_lines}A\r";
}
