using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace HerokuMigrator.Cli;

/// <summary>Options that take a number within bounds.</summary>
internal static class Numbers
{
    public static Option<int> Option(string name, string description, int defaultValue, int least, int most)
    {
        var option = new Option<int>(name) { Description = description, DefaultValueFactory = _ => defaultValue };
        option.Validators.Add(result => Validate(result, name, least, most));
        return option;
    }

    /// <summary>The same without a default of its own.</summary>
    public static Option<int?> Option(string name, string description, int least, int most)
    {
        var option = new Option<int?>(name) { Description = description };
        option.Validators.Add(result => Validate(result, name, least, most));
        return option;
    }

    private static void Validate(OptionResult result, string name, int least, int most)
    {
        if (result.Tokens is [{ Value: var text }] && int.TryParse(text, CultureInfo.InvariantCulture, out var number) && (number < least || number > most))
        {
            result.AddError($"{name} must be from {least} to {most}.");
        }
    }
}
