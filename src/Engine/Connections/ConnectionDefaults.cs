using System.Globalization;
using System.Net;
using Npgsql;

namespace HerokuMigrator.Connections;

/// <summary>Completes a connection string by its service, the environment and the defaults, in libpq's order, and checks the outcome.</summary>
internal sealed class ConnectionDefaults(ConnectionEnvironment environment)
{
    private const string DefaultPort = "5432";

    public static readonly IReadOnlyDictionary<string, SslMode> SslModes = new Dictionary<string, SslMode>(StringComparer.Ordinal)
    {
        ["disable"] = SslMode.Disable,
        ["allow"] = SslMode.Allow,
        ["prefer"] = SslMode.Prefer,
        ["require"] = SslMode.Require,
        ["verify-ca"] = SslMode.VerifyCA,
        ["verify-full"] = SslMode.VerifyFull,
    };

    private readonly List<string> _notes = [];

    public ConnectionSettings Complete(string connectionString)
    {
        var parsed = ConnectionStringParser.Parse(connectionString);
        var values = new Dictionary<string, string>(parsed.Values, StringComparer.Ordinal);
        AddService(values);
        AddEnvironment(values);

        if (Text(values, "user") is null)
            values["user"] = environment.UserName.Length > 0 ? environment.UserName : throw ConnectionStringErrors.Invalid("it names no user");
        if (Text(values, "dbname") is null)
            values["dbname"] = values["user"];

        var hosts = Hosts(values);
        AddSslMode(values, hosts);
        ConnectionValueCheck.Check(values, hosts, _notes);
        var certificateCheck = ServerCertificateCheck.Of(values, hosts, environment.HomeFolder, _notes);
        var clientCertificate = hosts.All(host => host.IsSocket) ? null : ClientCertificate.Of(values, environment.HomeFolder, _notes);
        return new ConnectionSettings(connectionString, values, hosts, Passwords(values, hosts), certificateCheck, clientCertificate, parsed.EncodedSecrets, _notes);
    }

    /// <summary>For libpq, an empty value keeps other sources out, and means the default then.</summary>
    internal static string? Text(IReadOnlyDictionary<string, string> values, string keyword) =>
        values.GetValueOrDefault(keyword) is { Length: > 0 } value ? value : null;

    private void AddService(Dictionary<string, string> values)
    {
        var service = values.GetValueOrDefault("service") ?? environment.Variable("PGSERVICE");
        if (service is null)
            return;
        foreach (var (keyword, value) in ServiceFileReader.Read(service, Text(values, "servicefile"), environment))
            values.TryAdd(keyword, value);
    }

    private void AddEnvironment(Dictionary<string, string> values)
    {
        foreach (var keyword in LibpqKeywords.All.Values)
        {
            if (keyword.Variable is { } name && environment.Variable(name) is { } value)
                values.TryAdd(keyword.Name, value);
        }

        if (environment.Variable("PGREQUIRESSL") is ['1', ..])
            values.TryAdd("sslmode", "require");
    }

    private static void AddSslMode(Dictionary<string, string> values, IReadOnlyList<ConnectionHost> hosts)
    {
        if (Text(values, "sslmode") is null)
        {
            values["sslmode"] = Text(values, "sslrootcert") == "system" ? "verify-full"
                : hosts.All(host => host.IsLocal) ? "prefer"
                : "require";
        }

        if (!SslModes.ContainsKey(values["sslmode"]))
            throw ConnectionStringErrors.BadValue("sslmode", string.Join(", ", SslModes.Keys));
    }

    private static List<ConnectionHost> Hosts(Dictionary<string, string> values)
    {
        var addresses = Text(values, "hostaddr")?.Split(',');
        var names = Text(values, "host")?.Split(',');
        var count = addresses?.Length ?? names?.Length ?? 1;
        if (names is not null && names.Length != count)
            throw ConnectionStringErrors.Invalid($"it has {names.Length} hosts, but {count} hostaddr");

        var ports = (Text(values, "port") ?? DefaultPort).Split(',');
        if (ports.Length != 1 && ports.Length != count)
            throw ConnectionStringErrors.Invalid($"it has {ports.Length} ports for {count} hosts");
        return [.. Enumerable.Range(0, count).Select(i => Host(names?[i] ?? "", addresses?[i] ?? "", ports[ports.Length == 1 ? 0 : i]))];
    }

    private static ConnectionHost Host(string name, string address, string portText)
    {
        if (portText.Length == 0)
            portText = DefaultPort;
        if (!int.TryParse(portText.Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var port) || port is < 1 or > 65535)
            throw ConnectionStringErrors.Invalid("a port is not a number from 1 to 65535; in a password write : as %3A and / as %2F");
        if (address.Length > 0 && !IPAddress.TryParse(address, out _))
            throw ConnectionStringErrors.BadValue("hostaddr", "an IP address");
        if (name.Any(c => char.IsControl(c)) || (name.Contains('@') && name[0] != '@'))
            throw ConnectionStringErrors.Invalid("a host holds a character that no host has; in user and password write @ as %40");
        if (name.Length == 0 && address.Length == 0)
            name = DefaultSocketFolder();
        return new ConnectionHost(name, address.Length > 0 ? address : null, port);
    }

    private static string DefaultSocketFolder() =>
        OperatingSystem.IsWindows() ? "localhost" : Directory.Exists("/var/run/postgresql") ? "/var/run/postgresql" : "/tmp";

    private Dictionary<ConnectionHost, string> Passwords(Dictionary<string, string> values, IReadOnlyList<ConnectionHost> hosts)
    {
        var passwords = new Dictionary<ConnectionHost, string>();
        var file = Text(values, "passfile") ?? (environment.HomeFolder.Length > 0 ? Path.Combine(environment.HomeFolder, ".pgpass") : null);
        foreach (var host in hosts.Distinct())
        {
            var password = Text(values, "password")
                ?? (file is null ? null : PasswordFile.Find(file, host, values["dbname"], values["user"], _notes));
            if (password is not null)
                passwords[host] = password;
        }

        return passwords;
    }
}
