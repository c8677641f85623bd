namespace HerokuMigrator.Lab;

/// <summary>An empty database as PlanetScale hands it out: no superuser, but it may set session_replication_role.</summary>
public sealed class PlanetScaleLikeDatabase : LabDatabase
{
    private PlanetScaleLikeDatabase(PostgresServer server, string name, LabRole owner)
        : base(server, name, owner)
    {
    }

    public override IReadOnlyList<LabRole> Roles => [Owner];

    internal static async Task<PlanetScaleLikeDatabase> CreateAsync(PostgresServer server, string name, CancellationToken cancellationToken)
    {
        var database = new PlanetScaleLikeDatabase(server, name, LabRole.Create("pscale_api_"));
        var owner = SqlText.QuoteIdentifier(database.Owner.Name);
        await server.ExecuteAsync(
            "postgres",
            $"""
            SELECT pg_advisory_xact_lock(1); -- the grant on the parameter changes one row that all databases here share
            CREATE ROLE {owner} LOGIN NOSUPERUSER CREATEDB CREATEROLE REPLICATION BYPASSRLS PASSWORD {SqlText.QuoteLiteral(database.Owner.Password)};
            {Comment(database.Owner, name)};
            GRANT pg_write_all_data TO {owner};
            GRANT SET ON PARAMETER session_replication_role TO {owner};
            """,
            cancellationToken);
        await server.ExecuteAsync("postgres", $"CREATE DATABASE {SqlText.QuoteIdentifier(name)} OWNER {owner} TEMPLATE template0", cancellationToken);
        return database;
    }
}
