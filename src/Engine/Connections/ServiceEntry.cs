using System.Text;

namespace HerokuMigrator.Connections;

/// <summary>Connection settings as one group of a service file.</summary>
internal static class ServiceEntry
{
    private const int DefaultConnectSeconds = 15;

    // libpq reads lines into 1024 bytes and refuses those that reach the last one; one byte is for the line's end, one for the string's.
    private const int MaxLineBytes = 1021;

    // A network that swallows packets would keep pg_dump or a run of Bucardo waiting for a quarter of an hour and more.
    private static readonly (string Keyword, string Value)[] LostPeer =
        [("keepalives_idle", "30"), ("keepalives_interval", "10"), ("keepalives_count", "3"), ("tcp_user_timeout", "60000")];

    private static readonly string[] WrittenOtherwise =
    [
        "service", "servicefile", "host", "hostaddr", "port", "dbname", "user", "password", "passfile", "sslmode", "sslrootcert", "sslcert", "sslkey", "options",
        "client_encoding", "application_name", "fallback_application_name", "connect_timeout", "gssencmode", "replication", "sslkeylogfile",
    ];

    /// <exception cref="MigrationException">ServiceEntryImpossible.</exception>
    public static IReadOnlyDictionary<string, string> Of(ConnectionSettings settings, string passwordFile, IReadOnlyDictionary<string, string>? serverSettings, int libpqVersion)
    {
        var entry = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["host"] = string.Join(',', settings.Hosts.Select(host => host.Name)),
            ["port"] = string.Join(',', settings.Hosts.Select(host => host.Port)),
            ["dbname"] = settings.Address.Database,
            ["user"] = settings.Address.User,
            ["passfile"] = passwordFile,
            ["connect_timeout"] = settings.Value("connect_timeout") ?? DefaultConnectSeconds.ToString(),
            ["gssencmode"] = settings.Value("gssencmode") ?? "disable",
        };
        if (settings.Hosts.Any(host => host.Address is not null))
            entry["hostaddr"] = string.Join(',', settings.Hosts.Select(host => host.Address));
        if (entry["host"].Trim(',').Length == 0)
            entry.Remove("host");
        AddTls(entry, settings);
        if (SessionOptions.Merge(settings.Value("options"), serverSettings) is { } options)
            entry["options"] = options;

        foreach (var keyword in LibpqKeywords.All.Values.Where(keyword => keyword.Since <= libpqVersion && !WrittenOtherwise.Contains(keyword.Name)))
        {
            if (settings.Value(keyword.Name) is { } value)
                entry[keyword.Name] = value;
        }

        foreach (var (keyword, value) in LostPeer.Where(one => LibpqKeywords.All[one.Keyword].Since <= libpqVersion))
            entry.TryAdd(keyword, value);

        foreach (var (keyword, value) in entry)
            CheckLine(keyword, value);
        return entry;
    }

    private static void AddTls(Dictionary<string, string> entry, ConnectionSettings settings)
    {
        entry["sslmode"] = settings.Value("sslmode")!;
        var check = settings.CertificateCheck;
        if (check.RootFile is not null)
        {
            entry["sslrootcert"] = check.RootFile;
        }
        else if (check.Level == CertificateLevel.AuthorityAndHost)
        {
            // The word "system" is understood since version 16; the file behind it by all.
            entry["sslmode"] = "verify-full";
            entry["sslrootcert"] = ServerCertificateCheck.SystemBundle ?? "system";
        }

        if (settings.ClientCertificate is { } certificate)
        {
            entry["sslcert"] = certificate.CertificateFile;
            entry["sslkey"] = certificate.KeyFile;
        }
    }

    /// <summary>libpq takes the blanks off both ends of a line and reads lines of a limited length; nothing can be quoted.</summary>
    private static void CheckLine(string keyword, string value)
    {
        if (value.Any(c => c is '\n' or '\r' or '\0'))
            throw Impossible(keyword, "a service file holds no line breaks");
        if (value.Length > 0 && char.IsWhiteSpace(value[^1]))
            throw Impossible(keyword, "it ends with a blank, which libpq takes away from a line of a service file");
        if (Encoding.UTF8.GetByteCount(keyword) + 1 + Encoding.UTF8.GetByteCount(value) > MaxLineBytes)
            throw Impossible(keyword, $"a line of a service file holds at most {MaxLineBytes} bytes");
    }

    private static MigrationException Impossible(string keyword, string cause) =>
        new(
            "ServiceEntryImpossible",
            ErrorKind.InvalidData,
            $"The connection setting {keyword} cannot be handed to pg_dump, psql and Bucardo: {cause}.",
            $"Shorten or rename it (keyword {keyword}), then run the same command again.")
        {
            Subject = keyword,
        };
}
