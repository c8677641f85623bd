using System.Text.RegularExpressions;

namespace HerokuMigrator.Cli;

/// <summary>Where a connection string of the command line really stands, and how to speak of it.</summary>
internal static partial class ConnectionText
{
    private const string VariablePrefix = "env:";
    private const string FilePrefix = "file:";

    /// <summary>The connection string meant by an option's value: itself, <c>env:NAME</c> or <c>file:PATH</c>.</summary>
    public static string? Read(string? value, string option)
    {
        if (value is null)
        {
            return null;
        }

        if (value.StartsWith(VariablePrefix, StringComparison.Ordinal))
        {
            var name = value[VariablePrefix.Length..];
            return Environment.GetEnvironmentVariable(name) is { Length: > 0 } text
                ? text
                : throw CliErrors.ConnectionUnreadable(option, $"the environment has no variable {name}");
        }

        return value.StartsWith(FilePrefix, StringComparison.Ordinal) ? ReadFile(value[FilePrefix.Length..], option) : value;
    }

    /// <summary>True where the value is the text itself, and not where to find it.</summary>
    public static bool IsPlain(string? value) =>
        value is { Length: > 0 } && !value.StartsWith(VariablePrefix, StringComparison.Ordinal) && !value.StartsWith(FilePrefix, StringComparison.Ordinal);

    /// <summary>True where the value itself holds a password, and so stands in the process list.</summary>
    public static bool ShowsPassword(string? value) => value is not null && (UrlPassword.IsMatch(value) || KeywordPassword.IsMatch(value));

    /// <summary>The text without any password that a connection string in it holds.</summary>
    public static string Hide(string text) => KeywordPassword.Replace(UrlPassword.Replace(text, "***"), "***");

    private static string ReadFile(string path, string option)
    {
        try
        {
            var text = File.ReadAllText(path).Trim();
            return text.Length > 0 ? text : throw CliErrors.ConnectionUnreadable(option, $"{path} is empty");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw CliErrors.ConnectionUnreadable(option, exception.Message, exception);
        }
    }

    /// <summary>From the colon after the user up to the last @ before the path: passwords are not always encoded as they should be.</summary>
    [GeneratedRegex(@"(?<=://[^\s:/@]*:)\S*(?=@)", RegexOptions.None, 1000)]
    private static partial Regex UrlPassword { get; }

    [GeneratedRegex(@"(?<=\b(?:ssl)?password\s*=\s*)(?:'(?:[^'\\]|\\.)*'|[^\s&']+)", RegexOptions.IgnoreCase, 1000)]
    private static partial Regex KeywordPassword { get; }
}
