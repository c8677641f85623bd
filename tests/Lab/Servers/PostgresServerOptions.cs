namespace HerokuMigrator.Lab;

/// <summary>How a server of the lab differs from the usual one.</summary>
public sealed record PostgresServerOptions
{
    /// <summary>False: the server speaks no TLS at all, and lets clients in without.</summary>
    public bool Tls { get; init; } = true;

    /// <summary>Lines of postgresql.conf: setting and value as it stands there, quotes included where needed.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();

    /// <summary>The folder of initdb and postgres; null: the newest PostgreSQL that is installed.</summary>
    public string? BinFolder { get; init; }
}
