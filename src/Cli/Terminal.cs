using HerokuMigrator.Reporting;

namespace HerokuMigrator.Cli;

/// <summary>
/// The three streams and what they can do. Standard output holds the result alone; all else goes to standard error.
/// Colours appear on a terminal only, and not where NO_COLOR is set.
/// </summary>
internal sealed class Terminal(TextReader input, TextWriter output, TextWriter error)
{
    private static readonly bool WantsColour =
        string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")) && Environment.GetEnvironmentVariable("TERM") != "dumb";

    public TextWriter Output => output;

    public TextWriter Error => error;

    public bool ErrorIsTerminal { get; } = error == Console.Error && !Console.IsErrorRedirected;

    /// <summary>True where a question can be asked and answered.</summary>
    public bool CanAsk { get; } = input == Console.In && !Console.IsInputRedirected && !Console.IsErrorRedirected;

    /// <summary>True where a frame can be drawn in the place of the one before.</summary>
    public bool OutputIsScreen { get; } = output == Console.Out && !Console.IsOutputRedirected && Environment.GetEnvironmentVariable("TERM") != "dumb";

    public Paint OutputPaint { get; } = output == Console.Out && !Console.IsOutputRedirected ? new(WantsColour, WidthOfTerminal()) : new(false);

    public Paint ErrorPaint { get; } = new(WantsColour && error == Console.Error && !Console.IsErrorRedirected);

    /// <summary>Shows a failure: on standard output as a document, or on standard error for people.</summary>
    public void Fail(MigrationException exception, bool asJson)
    {
        if (asJson)
        {
            output.WriteLine(JsonText.Of(exception));
            return;
        }

        error.WriteLine($"{ErrorPaint.Red(exception.ErrorId)}: {exception.Message}");
        if (exception.RecommendedAction.Length > 0)
        {
            error.WriteLine($"  {exception.RecommendedAction}");
        }
    }

    /// <summary>Asks a question whose answer is no unless it begins with y.</summary>
    public bool Ask(string question)
    {
        error.Write($"{question} [y/N] ");
        return input.ReadLine()?.Trim().StartsWith("y", StringComparison.OrdinalIgnoreCase) ?? false;
    }

    /// <summary>Some terminals tell none.</summary>
    private static int WidthOfTerminal() => Console.WindowWidth is > 0 and var width ? width : int.MaxValue;
}

/// <summary>Colours of a terminal, or none.</summary>
/// <param name="Width">The cells of its lines; a file's know no end.</param>
internal readonly record struct Paint(bool Enabled, int Width = int.MaxValue)
{
    private const string Reset = "\e[0m";

    public string Red(string text) => Wrap(text, 31);

    public string Green(string text) => Wrap(text, 32);

    public string Yellow(string text) => Wrap(text, 33);

    public string Faint(string text) => Wrap(text, 2);

    public ReportStyle ForReports() => new()
    {
        Width = Width,
        Red = Start(31),
        Yellow = Start(33),
        Green = Start(32),
        Bold = Start(1),
        Reset = Enabled ? Reset : "",
        PassedAt = "--json or --out-file",
        InventoryAt = "--json or --out-file",
    };

    private string Wrap(string text, int code) => Enabled ? Start(code) + text + Reset : text;

    private string Start(int code) => Enabled ? $"\e[{code}m" : "";
}
