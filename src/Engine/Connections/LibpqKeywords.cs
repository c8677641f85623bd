namespace HerokuMigrator.Connections;

/// <param name="Name">As it stands in a connection string.</param>
/// <param name="Variable">The environment variable that holds its default; null where there is none.</param>
/// <param name="Since">The first major version of libpq that knows it; 15 stands for all that are supported.</param>
internal sealed record LibpqKeyword(string Name, string? Variable = null, int Since = 15);

/// <summary>The connection keywords of libpq 15 to 18 (PostgreSQL documentation, "Parameter Key Words").</summary>
internal static class LibpqKeywords
{
    public static readonly IReadOnlyDictionary<string, LibpqKeyword> All = new LibpqKeyword[]
    {
        new("service", "PGSERVICE"),
        new("servicefile", "PGSERVICEFILE", 18),
        new("user", "PGUSER"),
        new("password", "PGPASSWORD"),
        new("passfile", "PGPASSFILE"),
        new("require_auth", "PGREQUIREAUTH", 16),
        new("channel_binding", "PGCHANNELBINDING"),
        new("connect_timeout", "PGCONNECT_TIMEOUT"),
        new("dbname", "PGDATABASE"),
        new("host", "PGHOST"),
        new("hostaddr", "PGHOSTADDR"),
        new("port", "PGPORT"),
        new("client_encoding", "PGCLIENTENCODING"),
        new("options", "PGOPTIONS"),
        new("application_name", "PGAPPNAME"),
        new("fallback_application_name"),
        new("keepalives"),
        new("keepalives_idle"),
        new("keepalives_interval"),
        new("keepalives_count"),
        new("tcp_user_timeout"),
        new("sslmode", "PGSSLMODE"),
        new("sslnegotiation", "PGSSLNEGOTIATION", 17),
        new("sslcompression", "PGSSLCOMPRESSION"),
        new("sslcert", "PGSSLCERT"),
        new("sslkey", "PGSSLKEY"),
        new("sslkeylogfile", null, 18),
        new("sslcertmode", "PGSSLCERTMODE", 16),
        new("sslpassword"),
        new("sslrootcert", "PGSSLROOTCERT"),
        new("sslcrl", "PGSSLCRL"),
        new("sslcrldir", "PGSSLCRLDIR"),
        new("sslsni", "PGSSLSNI"),
        new("ssl_min_protocol_version", "PGSSLMINPROTOCOLVERSION"),
        new("ssl_max_protocol_version", "PGSSLMAXPROTOCOLVERSION"),
        new("min_protocol_version", "PGMINPROTOCOLVERSION", 18),
        new("max_protocol_version", "PGMAXPROTOCOLVERSION", 18),
        new("requirepeer", "PGREQUIREPEER"),
        new("gssencmode", "PGGSSENCMODE"),
        new("krbsrvname", "PGKRBSRVNAME"),
        new("gsslib", "PGGSSLIB"),
        new("gssdelegation", "PGGSSDELEGATION", 17),
        new("replication"),
        new("target_session_attrs", "PGTARGETSESSIONATTRS"),
        new("load_balance_hosts", "PGLOADBALANCEHOSTS", 16),
        new("scram_client_key", null, 18),
        new("scram_server_key", null, 18),
        new("oauth_issuer", null, 18),
        new("oauth_client_id", null, 18),
        new("oauth_client_secret", null, 18),
        new("oauth_scope", null, 18),
    }.ToDictionary(keyword => keyword.Name, StringComparer.Ordinal);

    /// <summary>Keywords whose values are shown to nobody.</summary>
    public static readonly IReadOnlySet<string> Secret =
        new HashSet<string>(StringComparer.Ordinal) { "password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key" };

    /// <summary>
    /// The keyword that a misspelt one was probably meant to be; null where none is near.
    /// A wrong keyword is never repeated to the user: with a password that was not quoted, it can be a part of that.
    /// </summary>
    public static string? Nearest(string misspelt)
    {
        var (name, distance) = All.Keys.Select(known => (known, Distance(known, misspelt.ToLowerInvariant()))).MinBy(pair => pair.Item2);
        return distance <= Math.Max(1, name.Length / 4) ? name : null;
    }

    private static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replaced, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[^1];
    }
}
