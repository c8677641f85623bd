using System.Diagnostics;

namespace HerokuMigrator.Lab;

/// <summary>The demo's account of itself: one line a step, with what came of it and how long it took.</summary>
internal sealed class DemoAccount(TextWriter output)
{
    private const int NameWidth = 11;
    private const int TextWidth = 92;

    public Stopwatch Total { get; } = Stopwatch.StartNew();

    public void Title(string text) => output.WriteLine(text + "\n");

    public async Task StepAsync(string name, Func<Task<string>> run)
    {
        var watch = Stopwatch.StartNew();
        try
        {
            Line(name, await run(), watch.Elapsed);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            Line(name, "FAILED", watch.Elapsed);
            throw;
        }
    }

    public void End(string text) => output.WriteLine("\n" + text);

    private void Line(string name, string text, TimeSpan duration)
    {
        var lines = Wrap(text).ToList();
        output.WriteLine($"  {name.PadRight(NameWidth)}{lines[0].PadRight(TextWidth)}{duration.TotalSeconds,7:0.0} s");
        foreach (var line in lines.Skip(1))
        {
            output.WriteLine(new string(' ', NameWidth + 2) + line);
        }

        output.Flush();
    }

    private static IEnumerable<string> Wrap(string text)
    {
        var line = "";
        foreach (var word in text.Split(' '))
        {
            if (line.Length > 0 && line.Length + 1 + word.Length > TextWidth)
            {
                yield return line;
                line = "";
            }

            line = line.Length == 0 ? word : $"{line} {word}";
        }

        yield return line;
    }
}
