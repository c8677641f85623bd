using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace HerokuMigrator.Processes;

/// <summary>Takes secrets out of texts, in whatever quoting or encoding a program or a server repeats them.</summary>
public sealed class Redactor
{
    public const string Mask = "********";

    private static readonly TimeSpan MatchTimeout = TimeSpan.FromSeconds(10);

    private readonly Regex? _forms;

    public Redactor(IEnumerable<string> secrets)
    {
        // The longest first: a form that begins with another one must not be cut in the middle.
        var forms = secrets.Where(secret => secret.Length > 0)
            .SelectMany(Forms)
            .Distinct(StringComparer.Ordinal)
            .OrderByDescending(form => form.Length)
            .Select(Regex.Escape)
            .ToList();
        if (forms.Count > 0)
            _forms = new Regex(string.Join('|', forms), RegexOptions.CultureInvariant, MatchTimeout);
    }

    public string Redact(string text) => _forms is null ? text : _forms.Replace(text, Mask);

    public static string Redact(string text, IEnumerable<string> secrets) => new Redactor(secrets).Redact(text);

    private static IEnumerable<string> Forms(string secret)
    {
        string[] encoded = [Uri.EscapeDataString(secret), PercentEncode(secret, everything: false), PercentEncode(secret, everything: true)];
        return
        [
            secret,
            .. encoded,
            .. encoded.Select(LowerHex),
            .. encoded.Select(form => form.Replace("%20", "+")),
            Escape(secret, "\\'"),
            Escape(secret, "\\:"),
            Escape(secret, "\\\""),
            Escape(secret, "\\ "),
            secret.Replace("'", "''"),
            secret.Replace("\\", "\\\\").Replace("'", "''"),
            secret.Replace("\"", "\"\""),
            secret.Replace("'", "'\\''"),
            JsonEncodedText.Encode(secret).Value,
            JsonSerializer.Serialize(secret, RelaxedJson)[1..^1],
        ];
    }

    private static readonly JsonSerializerOptions RelaxedJson = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static string Escape(string secret, string characters)
    {
        var escaped = new StringBuilder();
        foreach (var c in secret)
        {
            if (characters.Contains(c))
                escaped.Append('\\');
            escaped.Append(c);
        }

        return escaped.ToString();
    }

    /// <summary>The encoding of those who write a URL by hand: only what would end the password, or all but letters and digits.</summary>
    private static string PercentEncode(string secret, bool everything)
    {
        var encoded = new StringBuilder();
        foreach (var b in Encoding.UTF8.GetBytes(secret))
        {
            var isPlain = everything ? char.IsAsciiLetterOrDigit((char)b) : b is > 0x20 and < 0x7F && !":/?#[]@%&=+".Contains((char)b);
            if (isPlain)
                encoded.Append((char)b);
            else
                encoded.Append('%').Append(b.ToString("X2"));
        }

        return encoded.ToString();
    }

    private static string LowerHex(string encoded) =>
        Regex.Replace(encoded, "%[0-9A-F]{2}", match => match.Value.ToLowerInvariant(), RegexOptions.CultureInvariant, MatchTimeout);
}
