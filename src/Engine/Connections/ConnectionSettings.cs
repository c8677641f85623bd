using System.Diagnostics;
using System.Text.Json.Serialization;
using Npgsql;

namespace HerokuMigrator.Connections;

/// <summary>
/// How to reach a database: what libpq would make of a connection string, its service, password file and environment.
/// No text of it holds a secret; <see cref="Password"/> and <see cref="Secrets"/> do.
/// </summary>
public sealed class ConnectionSettings
{
    private readonly IReadOnlyDictionary<string, string> _values;
    private readonly IReadOnlyDictionary<ConnectionHost, string> _passwords;

    internal ConnectionSettings(
        string original,
        IReadOnlyDictionary<string, string> values,
        IReadOnlyList<ConnectionHost> hosts,
        IReadOnlyDictionary<ConnectionHost, string> passwords,
        ServerCertificateCheck certificateCheck,
        ClientCertificate? clientCertificate,
        IReadOnlyList<string> encodedSecrets,
        IReadOnlyList<string> notes)
    {
        _values = values;
        _passwords = passwords;
        Hosts = hosts;
        CertificateCheck = certificateCheck;
        ClientCertificate = clientCertificate;
        Notes = notes;
        Address = new DatabaseAddress(string.Join(',', hosts.Select(host => host.Verified)), hosts[0].Port, values["dbname"], values["user"], original);
        Keywords = values.Where(pair => !LibpqKeywords.Secret.Contains(pair.Key)).ToDictionary(StringComparer.Ordinal);
        Secrets = [.. LibpqKeywords.Secret.Select(Value).OfType<string>().Concat(passwords.Values).Concat(encodedSecrets).Where(secret => secret.Length > 0).Distinct(StringComparer.Ordinal)];
        SslMode = ConnectionDefaults.SslModes[values["sslmode"]];
        IsLocal = hosts.All(host => host.IsLocal);
    }

    /// <summary>Reads a connection string as libpq 15 to 18 would.</summary>
    /// <param name="connectionString">A URL, or keyword=value pairs.</param>
    /// <param name="environment">Null: that of this process.</param>
    /// <exception cref="MigrationException">
    /// ConnectionStringInvalid; ConnectionServiceUnknown, ConnectionServiceInvalid; ConnectionSettingUnsupported, for what neither can be honoured nor ignored without harm.
    /// </exception>
    public static ConnectionSettings Parse(string connectionString, ConnectionEnvironment? environment = null) =>
        new ConnectionDefaults(environment ?? ConnectionEnvironment.Current).Complete(connectionString);

    /// <summary>Safe to print; it carries the original string for later use.</summary>
    public DatabaseAddress Address { get; }

    public IReadOnlyList<ConnectionHost> Hosts { get; }

    /// <summary>That of the first host; null where there is none.</summary>
    [JsonIgnore]
    [DebuggerBrowsable(DebuggerBrowsableState.Never)]
    public string? Password => PasswordOf(Hosts[0]);

    /// <summary>As asked for, or <c>require</c> (<c>prefer</c> for local hosts) where nothing was asked for.</summary>
    public SslMode SslMode { get; }

    /// <summary>All settings that apply, by libpq's keywords, without the secret ones.</summary>
    public IReadOnlyDictionary<string, string> Keywords { get; }

    /// <summary>What must not be shown: the passwords, plain and as they stand in the connection string.</summary>
    [JsonIgnore]
    [DebuggerBrowsable(DebuggerBrowsableState.Never)]
    public IReadOnlyList<string> Secrets { get; }

    /// <summary>Settings that are ignored, each in a sentence; for a verbose message.</summary>
    public IReadOnlyList<string> Notes { get; }

    /// <summary>True where all hosts are unix sockets or loopback addresses.</summary>
    public bool IsLocal { get; }

    /// <summary>True where a host outside of this machine may be reached without TLS.</summary>
    public bool IsWeakTls => !IsLocal && SslMode < SslMode.Require;

    /// <summary>What is wrong with the TLS mode; null where nothing is.</summary>
    public string? WeakTlsWarning =>
        IsWeakTls ? $"sslmode={_values["sslmode"]} lets the connection to {Address.Host} go without encryption; use sslmode=require or stronger." : null;

    internal ServerCertificateCheck CertificateCheck { get; }

    internal ClientCertificate? ClientCertificate { get; }

    /// <summary>Opens no connection yet. Pooled, no command timeout: a server's statement_timeout, or a cancellation, ends what takes too long.</summary>
    /// <param name="applicationName">What the server's pg_stat_activity shows.</param>
    /// <param name="serverSettings">Settings of every session, such as statement_timeout.</param>
    /// <param name="adjust">Changes the connection string's last details, such as the size of the pool.</param>
    /// <exception cref="MigrationException">ConnectionFileInvalid: a certificate or key file cannot be used.</exception>
    public NpgsqlDataSource CreateDataSource(
        string applicationName,
        IReadOnlyDictionary<string, string>? serverSettings = null,
        Action<NpgsqlConnectionStringBuilder>? adjust = null) =>
        DataSourceFactory.Create(this, applicationName, serverSettings, adjust);

    /// <summary>
    /// What a group of pg_service.conf must say for libpq to reach the same database. The password is left to the password file;
    /// the password of an encrypted client key has no other place than here.
    /// </summary>
    /// <param name="passwordFile">The absolute path of the password file.</param>
    /// <param name="serverSettings">Settings of every session.</param>
    /// <param name="libpqVersion">The major version of the oldest libpq that will read it; what that does not know is left out.</param>
    public IReadOnlyDictionary<string, string> ToServiceEntry(string passwordFile, IReadOnlyDictionary<string, string>? serverSettings = null, int libpqVersion = 15) =>
        ServiceEntry.Of(this, passwordFile, serverSettings, libpqVersion);

    /// <summary>Writes pg_service.conf and pgpass into a folder, mode 0600, each at once or not at all.</summary>
    /// <exception cref="MigrationException">ServiceEntryImpossible: a name cannot be written so that libpq reads it back.</exception>
    public static Task WriteServiceFilesAsync(
        string folder,
        IReadOnlyDictionary<string, ConnectionSettings> byServiceName,
        IReadOnlyDictionary<string, string> serverSettings,
        CancellationToken cancellationToken) =>
        ServiceFiles.WriteAsync(folder, byServiceName, serverSettings, owner: null, cancellationToken);

    /// <summary>
    /// The same for the programs of another user of this machine, where this process is root:
    /// the files, and copies of the certificate files that they name, belong to that user.
    /// </summary>
    public static Task WriteServiceFilesAsync(
        string folder,
        IReadOnlyDictionary<string, ConnectionSettings> byServiceName,
        IReadOnlyDictionary<string, string> serverSettings,
        string? owner,
        CancellationToken cancellationToken) =>
        ServiceFiles.WriteAsync(folder, byServiceName, serverSettings, owner, cancellationToken);

    /// <summary>
    /// The environment in which a program finds the services of a folder and nothing else:
    /// every other variable that libpq reads is taken away.
    /// </summary>
    public static IReadOnlyDictionary<string, string?> ServiceEnvironment(string folder) => ServiceFiles.Environment(folder);

    /// <summary><c>user@host:port/database</c>.</summary>
    public override string ToString() => Address.ToString();

    internal string? Value(string keyword) => _values.GetValueOrDefault(keyword) is { Length: > 0 } value ? value : null;

    internal string? PasswordOf(ConnectionHost host) => _passwords.GetValueOrDefault(host);
}
