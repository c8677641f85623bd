namespace HerokuMigrator.Lab;

/// <summary>A server as PlanetScale runs it.</summary>
public sealed class PlanetScaleLikeServer : IAsyncDisposable
{
    private PlanetScaleLikeServer(PostgresServer server, PlanetScaleLikeDatabase database)
    {
        Server = server;
        Database = database;
    }

    public PostgresServer Server { get; }

    /// <summary>The database that the server came with.</summary>
    public PlanetScaleLikeDatabase Database { get; }

    public string Url => Database.Url;

    public string UrlVerifyFull => Database.UrlVerifyFull;

    public string AdminConnectionString => Database.AdminConnectionString;

    public static Task<PlanetScaleLikeServer> StartAsync(CancellationToken cancellationToken) =>
        StartAsync(new PostgresServerOptions(), cancellationToken);

    public static async Task<PlanetScaleLikeServer> StartAsync(PostgresServerOptions options, CancellationToken cancellationToken)
    {
        var server = await PostgresServer.StartAsync(options, cancellationToken);
        try
        {
            return new PlanetScaleLikeServer(server, await PlanetScaleLikeDatabase.CreateAsync(server, "p" + LabRole.RandomHex(6), cancellationToken));
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>A fresh empty database with a role of its own, so that tests can share the server without touching each other.</summary>
    public Task<PlanetScaleLikeDatabase> CreateDatabaseAsync(string name, CancellationToken cancellationToken) =>
        PlanetScaleLikeDatabase.CreateAsync(Server, name, cancellationToken);

    public Task<PlanetScaleLikeDatabase> CreateDatabaseAsync(CancellationToken cancellationToken) =>
        CreateDatabaseAsync("p" + LabRole.RandomHex(6), cancellationToken);

    public ValueTask DisposeAsync() => Server.DisposeAsync();
}
