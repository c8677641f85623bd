using System.Globalization;

namespace HerokuMigrator.Lab;

/// <summary>Options of the lab's own program: <c>--name value</c> and bare <c>--flag</c>.</summary>
internal sealed class LabArguments
{
    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);

    public static LabArguments Parse(IReadOnlyList<string> arguments, string[] flags, string[] options)
    {
        var parsed = new LabArguments();
        for (var index = 0; index < arguments.Count; index++)
        {
            var name = arguments[index].StartsWith("--", StringComparison.Ordinal) ? arguments[index][2..] : "";
            parsed._values[name] = true switch
            {
                _ when flags.Contains(name) => "",
                _ when options.Contains(name) && index + 1 < arguments.Count => arguments[++index],
                _ => throw new LabUsageException($"'{arguments[index]}' is no option, or its value is missing."),
            };
        }

        return parsed;
    }

    public bool Has(string name) => _values.ContainsKey(name);

    public string? Text(string name) => _values.GetValueOrDefault(name);

    public string Required(string name) => Text(name) ?? throw new LabUsageException($"--{name} is missing.");

    public double Number(string name, double otherwise) =>
        Text(name) is not { } text ? otherwise
        : double.TryParse(text, CultureInfo.InvariantCulture, out var number) && number >= 0 ? number
        : throw new LabUsageException($"--{name} wants a number, not '{text}'.");
}
