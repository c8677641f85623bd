using System.Text;

namespace HerokuMigrator.Connections;

/// <summary>Server settings as libpq's <c>options</c> hold them: <c>-c name=value</c>, blanks and backslashes escaped by a backslash.</summary>
internal static class SessionOptions
{
    /// <summary>Ours follow those that are there, as the last one counts. Null: nothing is to be set.</summary>
    public static string? Merge(string? options, IReadOnlyDictionary<string, string>? settings)
    {
        var ours = (settings ?? new Dictionary<string, string>()).Select(pair => $"-c {Name(pair.Key)}={Escape(pair.Value)}");
        var merged = string.Join(' ', ours.Prepend(options?.Trim() ?? "").Where(part => part.Length > 0));
        return merged.Length == 0 ? null : merged;
    }

    private static string Name(string name) =>
        name.Length > 0 && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '$')
            ? name
            : throw new ArgumentException($"'{name}' is not the name of a server setting.", nameof(name));

    private static string Escape(string value)
    {
        var escaped = new StringBuilder();
        foreach (var c in value)
        {
            if (c == '\\' || char.IsWhiteSpace(c))
                escaped.Append('\\');
            escaped.Append(c);
        }

        return escaped.ToString();
    }
}
