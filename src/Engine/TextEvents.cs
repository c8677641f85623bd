using System.Globalization;

namespace HerokuMigrator;

/// <summary>Events as lines of text with the time in front, for a log that a program without a terminal leaves.</summary>
public sealed class TextEvents(TextWriter output) : IOperationEvents
{
    private readonly Lock _gate = new();

    public void Progress(OperationProgress progress)
    {
    }

    public void Verbose(string message) => Write("verbose", message);

    public void Debug(string message)
    {
    }

    public void Information(string message) => Write("info", message);

    public void Warning(string message) => Write("warning", message);

    private void Write(string level, string message)
    {
        var time = DateTime.UtcNow.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
        lock (_gate)
        {
            output.WriteLine($"{time} {level}: {message}");
            output.Flush();
        }
    }
}
