namespace HerokuMigrator.Lab;

/// <summary>A database as Heroku hands it out: its role owns everything and is superuser of nothing.</summary>
public sealed class HerokuLikeDatabase : LabDatabase
{
    internal HerokuLikeDatabase(PostgresServer server, string name, LabRole owner, LabRole credential, LabRole reader)
        : base(server, name, owner)
    {
        Credential = credential;
        Reader = reader;
    }

    /// <summary>A second credential (<c>heroku pg:credentials:create</c>); a schema of the lab gives it some grants.</summary>
    public LabRole Credential { get; }

    /// <summary>A third one that may only read.</summary>
    public LabRole Reader { get; }

    public override IReadOnlyList<LabRole> Roles => [Owner, Credential, Reader];

    internal static async Task<HerokuLikeDatabase> CreateAsync(PostgresServer server, string name, CancellationToken cancellationToken)
    {
        var database = new HerokuLikeDatabase(server, name, LabRole.Create("u"), LabRole.Create("limited-user-"), LabRole.Create("Reporting "));
        var owner = SqlText.QuoteIdentifier(database.Owner.Name);
        var others = $"{SqlText.QuoteIdentifier(database.Credential.Name)}, {SqlText.QuoteIdentifier(database.Reader.Name)}";
        var quoted = SqlText.QuoteIdentifier(name);
        foreach (var role in database.Roles)
        {
            await server.ExecuteAsync(
                "postgres",
                $"CREATE ROLE {SqlText.QuoteIdentifier(role.Name)} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD {SqlText.QuoteLiteral(role.Password)}; {Comment(role, name)}",
                cancellationToken);
        }

        await server.ExecuteAsync("postgres", $"GRANT pg_monitor, pg_read_all_stats, pg_signal_backend TO {owner}", cancellationToken);
        // Another collation than the target's, as between two hosting services: text sorts differently on the two sides.
        await server.ExecuteAsync("postgres", $"CREATE DATABASE {quoted} OWNER {owner} TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'", cancellationToken);
        await server.ExecuteAsync(
            name,
            $"""
            REVOKE ALL ON DATABASE {quoted} FROM PUBLIC;
            GRANT CONNECT, TEMPORARY ON DATABASE {quoted} TO {others};
            ALTER DATABASE {quoted} SET search_path = "$user", public, heroku_ext;
            ALTER ROLE {owner} IN DATABASE {quoted} SET idle_in_transaction_session_timeout = '10min';
            ALTER ROLE {SqlText.QuoteIdentifier(database.Credential.Name)} IN DATABASE {quoted} SET default_transaction_read_only = off;
            ALTER SCHEMA public OWNER TO {owner};
            CREATE SCHEMA heroku_ext;
            GRANT USAGE ON SCHEMA heroku_ext TO PUBLIC;
            CREATE EXTENSION pg_stat_statements SCHEMA heroku_ext;
            """,
            cancellationToken);
        return database;
    }
}
