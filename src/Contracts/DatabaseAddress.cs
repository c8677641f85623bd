using System.Text.Json.Serialization;

namespace HerokuMigrator;

/// <summary>
/// Which database is meant, without its secrets: safe to print, to serialize and to log.
/// Within the session that made it, it still knows the connection string, so that it can travel down a pipeline;
/// that string is no property and survives no serialization.
/// </summary>
public sealed class DatabaseAddress
{
    private readonly string? _connectionString;

    public DatabaseAddress(string host, int port, string database, string user, string? connectionString = null)
    {
        Host = host;
        Port = port;
        Database = database;
        User = user;
        _connectionString = connectionString;
    }

    /// <summary>From a certificate, which knows no connection string.</summary>
    [JsonConstructor]
    private DatabaseAddress(string host, int port, string database, string user)
        : this(host, port, database, user, connectionString: null)
    {
    }

    /// <summary>Host name, IP address, or the folder of a unix socket; several are joined by commas.</summary>
    public string Host { get; }

    public int Port { get; }

    public string Database { get; }

    public string User { get; }

    /// <summary>The connection string with its secrets, or null once the object crossed a process boundary.</summary>
    public string? RevealConnectionString() => _connectionString;

    public override string ToString() => $"{User}@{Host}:{Port}/{Database}";
}
