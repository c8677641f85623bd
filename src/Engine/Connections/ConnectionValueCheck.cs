using System.Globalization;

namespace HerokuMigrator.Connections;

/// <summary>Refuses values that libpq would refuse and settings that cannot be honoured; tells of those that are ignored.</summary>
internal static class ConnectionValueCheck
{
    private static readonly Dictionary<string, string[]> Choices = new(StringComparer.Ordinal)
    {
        ["channel_binding"] = ["disable", "prefer", "require"],
        ["gssencmode"] = ["disable", "prefer", "require"],
        ["target_session_attrs"] = ["any", "read-write", "read-only", "primary", "standby", "prefer-standby"],
        ["load_balance_hosts"] = ["disable", "random"],
        ["sslnegotiation"] = ["postgres", "direct"],
        ["sslcertmode"] = ["disable", "allow", "require"],
        ["sslsni"] = ["0", "1"],
        ["ssl_min_protocol_version"] = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"],
        ["ssl_max_protocol_version"] = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"],
        ["min_protocol_version"] = ["3.0", "3.2", "latest"],
        ["max_protocol_version"] = ["3.0", "3.2", "latest"],
    };

    private static readonly string[] Numbers = ["connect_timeout", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"];

    private static readonly string[] AuthenticationMethods = ["password", "md5", "gss", "sspi", "scram-sha-256", "oauth", "none"];

    /// <summary>Settings of comfort, or of what this product sets itself.</summary>
    private static readonly Dictionary<string, string> Ignored = new(StringComparer.Ordinal)
    {
        ["application_name"] = "every session of this program has a name of its own",
        ["client_encoding"] = "every session of this program uses UTF-8",
        ["fallback_application_name"] = "every session of this program has a name of its own",
        ["gsslib"] = "it chooses between two libraries of Windows",
        ["gssdelegation"] = "no credentials are delegated",
        ["keepalives_count"] = "the system's number of probes applies",
        ["replication"] = "no replication session is needed",
        ["sslcompression"] = "no current server compresses TLS",
        ["sslkeylogfile"] = "keys of sessions are written to no file",
        ["tcp_user_timeout"] = "the system's timeout applies",
    };

    public static void Check(IReadOnlyDictionary<string, string> values, IReadOnlyList<ConnectionHost> hosts, ICollection<string> notes)
    {
        foreach (var (keyword, choices) in Choices)
        {
            if (Text(keyword) is { } value && !choices.Contains(value, IgnoresCase(keyword)))
                throw ConnectionStringErrors.BadValue(keyword, string.Join(", ", choices));
        }

        foreach (var keyword in Numbers)
        {
            if (Text(keyword) is { } value && !int.TryParse(value.Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _))
                throw ConnectionStringErrors.BadValue(keyword, "a whole number");
        }

        CheckAuthentication(Text("require_auth"));
        CheckTls(values);
        CheckSupport(values, hosts);
        foreach (var (keyword, reason) in Ignored)
        {
            if (Text(keyword) is not null)
                notes.Add($"The connection setting {keyword} is ignored: {reason}.");
        }

        string? Text(string keyword) => ConnectionDefaults.Text(values, keyword);
    }

    private static StringComparer IgnoresCase(string keyword) =>
        keyword.EndsWith("_protocol_version", StringComparison.Ordinal) ? StringComparer.OrdinalIgnoreCase : StringComparer.Ordinal;

    private static void CheckAuthentication(string? methods)
    {
        if (methods is null)
            return;
        var parts = methods.Split(',');
        var negated = parts.Count(part => part.StartsWith('!'));
        if (parts.Any(part => !AuthenticationMethods.Contains(part.TrimStart('!'))) || (negated != 0 && negated != parts.Length) || parts.Distinct().Count() != parts.Length)
            throw ConnectionStringErrors.BadValue("require_auth", $"a list of {string.Join(", ", AuthenticationMethods)}, all or none of them with a ! before it, none twice");
    }

    private static void CheckTls(IReadOnlyDictionary<string, string> values)
    {
        var mode = values["sslmode"];
        if (ConnectionDefaults.Text(values, "sslrootcert") == "system" && mode != "verify-full")
            throw ConnectionStringErrors.Invalid("sslrootcert=system needs sslmode=verify-full");
        if (ConnectionDefaults.Text(values, "sslnegotiation") == "direct" && mode is "disable" or "allow" or "prefer")
            throw ConnectionStringErrors.Invalid("sslnegotiation=direct needs sslmode=require or stronger");
        var (min, max) = (ConnectionDefaults.Text(values, "ssl_min_protocol_version") ?? "TLSv1.2", ConnectionDefaults.Text(values, "ssl_max_protocol_version"));
        if (max is not null && string.Compare(min, max, StringComparison.OrdinalIgnoreCase) > 0)
            throw ConnectionStringErrors.Invalid("ssl_min_protocol_version is above ssl_max_protocol_version");
    }

    private static void CheckSupport(IReadOnlyDictionary<string, string> values, IReadOnlyList<ConnectionHost> hosts)
    {
        foreach (var keyword in new[] { "sslcrl", "sslcrldir" })
        {
            if (ConnectionDefaults.Text(values, keyword) is not null && values["sslmode"] != "disable")
                throw ConnectionStringErrors.Unsupported(keyword, "revocation lists cannot be checked");
        }

        if (ConnectionDefaults.Text(values, "requirepeer") is not null && hosts.Any(host => host.IsSocket))
            throw ConnectionStringErrors.Unsupported("requirepeer", "the owner of a unix socket's server cannot be checked");
        if (ConnectionDefaults.Text(values, "min_protocol_version") is "3.2" or "latest")
            throw ConnectionStringErrors.Unsupported("min_protocol_version", "version 3.0 of the protocol is used");
        foreach (var keyword in new[] { "scram_client_key", "scram_server_key", "oauth_issuer", "oauth_client_id" })
        {
            if (ConnectionDefaults.Text(values, keyword) is not null && ConnectionDefaults.Text(values, "password") is null)
                throw ConnectionStringErrors.Unsupported(keyword, "sessions authenticate by password, client certificate or Kerberos only");
        }

        if (ConnectionDefaults.Text(values, "sslkey") is { } key && key.Contains(':') && !File.Exists(key))
            throw ConnectionStringErrors.Unsupported("sslkey", "keys of OpenSSL engines cannot be used; name a PEM file");
        var isTlsNeeded = values["sslmode"] is "require" or "verify-ca" or "verify-full";
        if (isTlsNeeded && hosts.Any(host => host.IsSocket) && !hosts.All(host => host.IsSocket))
            throw ConnectionStringErrors.Unsupported("host", "unix sockets, which have no TLS, are mixed with servers that must have it");
    }
}
