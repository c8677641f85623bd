using System.Text;

namespace HerokuMigrator.Reporting;

/// <summary>A live view of a migration in a terminal. Makes the text to write; the faces write it.</summary>
/// <param name="style">Its colours.</param>
/// <param name="unicode">False where the terminal can show no more than ASCII.</param>
public sealed class LiveView(ReportStyle style, bool unicode)
{
    /// <summary>For terminals that tell no size.</summary>
    public const int DefaultWidth = 80;

    public const int DefaultHeight = 24;

    private readonly LiveHistory _history = new();
    private readonly LiveScreen _screen = new();

    /// <summary>True where a terminal of that encoding can show bars and sparklines as they are meant. By the code page, as .NET wraps the encodings of consoles.</summary>
    public static bool IsUnicode(Encoding encoding) => encoding.CodePage is 65001 or 1200 or 12000;

    /// <summary>The next frame, for a screen of that size now.</summary>
    public string Draw(LiveStatus live, int width, int height)
    {
        _history.Add(live.Status);
        // The line below the frame is the cursor's.
        return _screen.Draw(new LiveFrame(live, _history, style with { Width = width }, unicode).Lines(height - 1), width, height);
    }

    /// <summary>What gives the terminal back; nothing where nothing was drawn.</summary>
    public string End(bool keepFrame) => _screen.End(keepFrame);
}
