using System.Text;

namespace HerokuMigrator.Connections;

/// <param name="Values">Keyword and value of what the string itself says, decoded.</param>
/// <param name="EncodedSecrets">The secrets as they stand in the string, where that differs from what they mean.</param>
internal sealed record ParsedConnectionString(IReadOnlyDictionary<string, string> Values, IReadOnlyList<string> EncodedSecrets);

/// <summary>Reads both forms of libpq's connection strings: URLs and keyword=value pairs.</summary>
internal sealed class ConnectionStringParser
{
    private static readonly string[] UrlPrefixes = ["postgresql://", "postgres://"];

    // Those of isspace() in the C locale.
    private const string Blanks = " \t\n\v\f\r";

    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);
    private readonly List<string> _encodedSecrets = [];

    private ConnectionStringParser()
    {
    }

    /// <exception cref="MigrationException">ConnectionStringInvalid.</exception>
    public static ParsedConnectionString Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var trimmed = text.Trim(Blanks.ToCharArray());
        if (trimmed.Length == 0)
            throw ConnectionStringErrors.Invalid("it is empty");
        if (trimmed.Contains('\0'))
            throw ConnectionStringErrors.Invalid("it holds a NUL character");

        var parser = new ConnectionStringParser();
        var prefix = UrlPrefixes.FirstOrDefault(prefix => trimmed.StartsWith(prefix, StringComparison.Ordinal));
        if (prefix is not null)
            parser.ParseUrl(trimmed[prefix.Length..]);
        else if (trimmed.Contains("://", StringComparison.Ordinal) && !trimmed[..trimmed.IndexOf("://", StringComparison.Ordinal)].Contains('='))
            throw ConnectionStringErrors.Invalid("a URL must begin with postgres:// or postgresql://");
        else
            parser.ParsePairs(trimmed);
        return new ParsedConnectionString(parser._values, parser._encodedSecrets);
    }

    private void ParseUrl(string rest)
    {
        rest = TakeCredentials(rest);
        var end = rest.IndexOfAny(['/', '?']) is >= 0 and var found ? found : rest.Length;
        TakeHosts(rest[..end]);

        var query = rest.IndexOf('?', end);
        if (end < rest.Length && rest[end] == '/')
        {
            var database = rest[(end + 1)..(query < 0 ? rest.Length : query)];

            // Most likely a password with an unencoded slash: its first half would be taken for a port, and shown.
            if (rest[..end].Contains(':') && database.Contains('@') && !_values.ContainsKey("user"))
                throw ConnectionStringErrors.Invalid("an @ follows the first /; in a password write / as %2F, in a database's name write @ as %40");
            if (database.Length > 0)
                Store("dbname", Decode(database));
        }

        if (query >= 0)
            TakeParameters(rest[(query + 1)..]);
    }

    private string TakeCredentials(string rest)
    {
        var stop = rest.IndexOfAny(['@', '/']);
        if (stop < 0 || rest[stop] == '/')
            return rest;

        var credentials = rest[..stop];
        var colon = credentials.IndexOf(':');
        var user = colon < 0 ? credentials : credentials[..colon];
        if (user.Length > 0)
            Store("user", Decode(user));
        if (colon >= 0 && colon + 1 < credentials.Length)
            StoreEncoded("password", credentials[(colon + 1)..]);
        return rest[(stop + 1)..];
    }

    private void TakeHosts(string authority)
    {
        if (authority.Contains('@'))
            throw ConnectionStringErrors.Invalid("it has more than one @; in user and password write @ as %40");

        var hosts = new List<string>();
        var ports = new List<string>();
        foreach (var part in authority.Split(','))
        {
            var (host, port) = SplitHost(part);
            hosts.Add(host);
            ports.Add(port);
        }

        // Joined before they are decoded, as libpq does it.
        var host_ = string.Join(',', hosts);
        var port_ = string.Join(',', ports);
        if (host_.Length > 0)
            Store("host", Decode(host_));
        if (port_.Length > 0)
            Store("port", Decode(port_));
    }

    private static (string Host, string Port) SplitHost(string part)
    {
        if (!part.StartsWith('['))
        {
            var colon = part.IndexOf(':');
            return colon < 0 ? (part, "") : (part[..colon], part[(colon + 1)..]);
        }

        var bracket = part.IndexOf(']');
        if (bracket < 0)
            throw ConnectionStringErrors.Invalid("the bracket of an IPv6 address is not closed");
        if (bracket == 1)
            throw ConnectionStringErrors.Invalid("the brackets hold no IPv6 address");
        var after = part[(bracket + 1)..];
        if (after.Length > 0 && after[0] != ':')
            throw ConnectionStringErrors.Invalid("after the ] of an IPv6 address only : or / may follow");
        return (part[1..bracket], after.Length > 0 ? after[1..] : "");
    }

    private void TakeParameters(string query)
    {
        foreach (var parameter in query.Split('&'))
        {
            // libpq allows an & at the end, and nowhere else without a parameter behind it.
            if (parameter.Length == 0 && query.EndsWith('&') && !query.StartsWith('&') && !query.Contains("&&", StringComparison.Ordinal))
                continue;
            if (parameter.Length == 0 && query.Length == 0)
                continue;

            var equals = parameter.IndexOf('=');
            if (equals < 0)
                throw ConnectionStringErrors.Invalid("a parameter after the ? has no =");
            if (parameter.IndexOf('=', equals + 1) >= 0)
                throw ConnectionStringErrors.Invalid("a parameter after the ? has more than one =; in its value write = as %3D");

            var keyword = Decode(parameter[..equals]);
            var value = parameter[(equals + 1)..];
            if (keyword == "ssl" && Decode(value) == "true")
                Store("sslmode", "require");
            else
                StoreEncoded(keyword, value);
        }
    }

    private void ParsePairs(string text)
    {
        var position = 0;
        while (SkipBlanks(text, ref position))
        {
            var start = position;
            while (position < text.Length && text[position] != '=' && !Blanks.Contains(text[position]))
                position++;
            var keyword = text[start..position];
            SkipBlanks(text, ref position);
            if (position >= text.Length || text[position] != '=')
                throw ConnectionStringErrors.Invalid("a keyword is not followed by =; a value with blanks must stand in single quotes");
            position++;
            SkipBlanks(text, ref position);

            start = position;
            var value = position < text.Length && text[position] == '\'' ? TakeQuoted(text, ref position) : TakePlain(text, ref position);
            Store(keyword, value);
            if (LibpqKeywords.Secret.Contains(keyword))
                _encodedSecrets.Add(text[start..position].Trim(Blanks.ToCharArray()).Trim('\''));
        }
    }

    private static bool SkipBlanks(string text, ref int position)
    {
        while (position < text.Length && Blanks.Contains(text[position]))
            position++;
        return position < text.Length;
    }

    private static string TakePlain(string text, ref int position)
    {
        var value = new StringBuilder();
        while (position < text.Length && !Blanks.Contains(text[position]))
        {
            if (text[position] == '\\' && ++position >= text.Length)
                break;
            value.Append(text[position++]);
        }

        return value.ToString();
    }

    private static string TakeQuoted(string text, ref int position)
    {
        var value = new StringBuilder();
        for (position++; position < text.Length; position++)
        {
            if (text[position] == '\'')
            {
                position++;
                return value.ToString();
            }

            if (text[position] == '\\' && ++position >= text.Length)
                break;
            value.Append(text[position]);
        }

        throw ConnectionStringErrors.Invalid("a quoted value is not closed by a single quote; inside of one write ' as \\' and \\ as \\\\");
    }

    private void StoreEncoded(string keyword, string encoded)
    {
        if (LibpqKeywords.Secret.Contains(keyword))
            _encodedSecrets.Add(encoded);
        Store(keyword, Decode(encoded));
    }

    /// <summary>Of a keyword that is given twice, the last one counts.</summary>
    private void Store(string keyword, string value)
    {
        if (keyword == "requiressl")
            (keyword, value) = ("sslmode", value.StartsWith('1') ? "require" : "prefer");
        if (!LibpqKeywords.All.ContainsKey(keyword))
            throw ConnectionStringErrors.UnknownKeyword(keyword);
        _values[keyword] = value;
    }

    private static string Decode(string encoded)
    {
        if (!encoded.Contains('%'))
            return encoded;

        var bytes = new List<byte>(encoded.Length);
        for (var i = 0; i < encoded.Length;)
        {
            if (encoded[i] != '%')
            {
                var next = encoded.IndexOf('%', i) is >= 0 and var found ? found : encoded.Length;
                bytes.AddRange(Encoding.UTF8.GetBytes(encoded[i..next]));
                i = next;
                continue;
            }

            if (i + 2 >= encoded.Length || !char.IsAsciiHexDigit(encoded[i + 1]) || !char.IsAsciiHexDigit(encoded[i + 2]))
                throw ConnectionStringErrors.Invalid("a % is not followed by two hexadecimal digits; write % itself as %25");
            var value = Convert.ToByte(encoded[(i + 1)..(i + 3)], 16);
            if (value == 0)
                throw ConnectionStringErrors.Invalid("%00 is not allowed");
            bytes.Add(value);
            i += 3;
        }

        try
        {
            return new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true).GetString(bytes.ToArray());
        }
        catch (DecoderFallbackException)
        {
            // Its message names the bytes.
            throw ConnectionStringErrors.Invalid("its percent-encoded bytes are not UTF-8; write an e with acute accent as %C3%A9");
        }
    }
}
