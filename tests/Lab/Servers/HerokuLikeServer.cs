namespace HerokuMigrator.Lab;

/// <summary>A server as Heroku runs it: TLS, roles without superuser, pg_stat_statements owned by somebody else.</summary>
public sealed class HerokuLikeServer : IAsyncDisposable
{
    private HerokuLikeServer(PostgresServer server, HerokuLikeDatabase database)
    {
        Server = server;
        Database = database;
    }

    public PostgresServer Server { get; }

    /// <summary>The database that the server came with.</summary>
    public HerokuLikeDatabase Database { get; }

    public string Url => Database.Url;

    public string UrlVerifyFull => Database.UrlVerifyFull;

    public string AdminConnectionString => Database.AdminConnectionString;

    public static Task<HerokuLikeServer> StartAsync(CancellationToken cancellationToken) =>
        StartAsync(new PostgresServerOptions(), cancellationToken);

    public static async Task<HerokuLikeServer> StartAsync(PostgresServerOptions options, CancellationToken cancellationToken)
    {
        var settings = new Dictionary<string, string>(options.Settings);
        settings.TryAdd("shared_preload_libraries", "'pg_stat_statements'");
        var server = await PostgresServer.StartAsync(options with { Settings = settings }, cancellationToken);
        try
        {
            return new HerokuLikeServer(server, await HerokuLikeDatabase.CreateAsync(server, "d" + LabRole.RandomHex(6), cancellationToken));
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>A fresh database with roles of its own, so that tests can share the server without touching each other.</summary>
    public Task<HerokuLikeDatabase> CreateDatabaseAsync(string name, CancellationToken cancellationToken) =>
        HerokuLikeDatabase.CreateAsync(Server, name, cancellationToken);

    public Task<HerokuLikeDatabase> CreateDatabaseAsync(CancellationToken cancellationToken) =>
        CreateDatabaseAsync("d" + LabRole.RandomHex(6), cancellationToken);

    public ValueTask DisposeAsync() => Server.DisposeAsync();
}
