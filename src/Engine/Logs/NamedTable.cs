using System.Text.RegularExpressions;

namespace HerokuMigrator.Logs;

/// <summary>The table that a message of ours is about: they name tables quoted.</summary>
internal static partial class NamedTable
{
    /// <summary>Null where the message names none, or several.</summary>
    public static string? Find(string message)
    {
        var names = Qualified().Matches(message).Select(match => match.Value).Distinct(StringComparer.Ordinal).Take(2).ToList();
        return names.Count == 1 ? names[0] : null;
    }

    [GeneratedRegex("""("([^"\n]|"")+"\."([^"\n]|"")+")""", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Qualified();
}
