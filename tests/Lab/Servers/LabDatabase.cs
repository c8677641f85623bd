using Npgsql;

namespace HerokuMigrator.Lab;

/// <summary>A database on a server of the lab, with roles that no other database of that server shares.</summary>
public abstract class LabDatabase : IAsyncDisposable
{
    private protected LabDatabase(PostgresServer server, string name, LabRole owner)
    {
        Server = server;
        Name = name;
        Owner = owner;
    }

    public PostgresServer Server { get; }

    public string Name { get; }

    /// <summary>The role that the hosting service gives its customer; it owns the database.</summary>
    public LabRole Owner { get; }

    public abstract IReadOnlyList<LabRole> Roles { get; }

    /// <summary>The owner's URL, percent-encoded, as a hosting service shows it; with sslmode=require.</summary>
    public string Url => UrlFor(Owner);

    /// <summary>The same with sslmode=verify-full and the lab's authority as sslrootcert.</summary>
    public string UrlVerifyFull => UrlFor(Owner, "verify-full");

    /// <summary>The owner's way in, for Npgsql.</summary>
    public string ConnectionString => ConnectionStringFor(Owner);

    /// <summary>The lab's way in as superuser, for Npgsql.</summary>
    public string AdminConnectionString => Server.AdminConnectionString(Name);

    /// <param name="role">Who connects.</param>
    /// <param name="sslMode">One of libpq's; verify-ca and verify-full name the lab's authority too.</param>
    /// <param name="server">Another server that has this database: a follower.</param>
    public string UrlFor(LabRole role, string sslMode = "require", PostgresServer? server = null)
    {
        var at = server ?? Server;
        var verifies = sslMode.StartsWith("verify", StringComparison.Ordinal);
        var query = $"sslmode={sslMode}" + (verifies ? $"&sslrootcert={Uri.EscapeDataString(at.AuthorityFile)}" : "");
        return $"postgres://{Uri.EscapeDataString(role.Name)}:{Uri.EscapeDataString(role.Password)}@{(verifies ? "localhost" : "127.0.0.1")}:{at.Port}/{Uri.EscapeDataString(Name)}?{query}";
    }

    public string ConnectionStringFor(LabRole role) =>
        new NpgsqlConnectionStringBuilder
        {
            Host = "127.0.0.1",
            Port = Server.Port,
            Database = Name,
            Username = role.Name,
            Password = role.Password,
            SslMode = Server.Tls ? SslMode.Require : SslMode.Disable,
            Pooling = false,
            CommandTimeout = 120,
        }.ConnectionString;

    /// <summary>Runs SQL as superuser.</summary>
    public Task ExecuteAsync(string sql, CancellationToken cancellationToken) => Server.ExecuteAsync(Name, sql, cancellationToken);

    /// <summary>Drops the database and its roles.</summary>
    public async ValueTask DisposeAsync()
    {
        await Server.ExecuteAsync("postgres", $"DROP DATABASE IF EXISTS {SqlText.QuoteIdentifier(Name)} WITH (FORCE)", CancellationToken.None);
        foreach (var role in Roles)
        {
            await Server.ExecuteAsync("postgres", DropRole(role), CancellationToken.None);
        }

        GC.SuppressFinalize(this);
    }

    public override string ToString() => $"{Owner.Name}@127.0.0.1:{Server.Port}/{Name}";

    private protected static string Comment(LabRole role, string database) =>
        $"COMMENT ON ROLE {SqlText.QuoteIdentifier(role.Name)} IS {SqlText.QuoteLiteral(CommentOf(database))}";

    /// <summary>Tells whose database a role of the lab belongs to, on a server that several tests share.</summary>
    internal static string CommentOf(string database) => $"lab database {database}";

    private static string DropRole(LabRole role)
    {
        var name = SqlText.QuoteIdentifier(role.Name);
        return $"""
            DO $$ BEGIN
                -- Its grant on a parameter is in one row that all databases of the server share.
                PERFORM pg_advisory_xact_lock(1);
                IF EXISTS (SELECT FROM pg_roles WHERE rolname = {SqlText.QuoteLiteral(role.Name)}) THEN
                    DROP OWNED BY {name};
                    DROP ROLE {name};
                END IF;
            END $$
            """;
    }
}
