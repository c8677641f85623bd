using System.Net;
using System.Net.Sockets;
using HerokuMigrator.Connections;
using Npgsql;
using Xunit;

namespace HerokuMigrator.Unit.Connections;

public sealed class ConnectionErrorsSpecs(TemporaryServer server)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private async Task<MigrationException> FailAsync(string connectionString)
    {
        var settings = ConnectionSettings.Parse(connectionString, new ConnectionEnvironment { UserName = "nobody" });
        await using var source = settings.CreateDataSource("spec");

        var error = await Assert.ThrowsAsync<MigrationException>(() => ConnectionErrors.OpenAsync(source, "target", settings.Address, Token));

        Assert.DoesNotContain("swordfish", error.ToString());
        Assert.Equal(settings.Address.ToString(), error.Subject);
        Assert.StartsWith($"The target database {settings.Address} cannot be reached: ", error.Message);
        return error;
    }

    [Fact]
    public async Task An_unknown_host() =>
        Assert.Equal("HostUnknown", (await FailAsync("postgres://u:swordfish@no-such-host.invalid/db")).ErrorId);

    [Fact]
    public async Task A_port_where_nobody_listens()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        listener.Stop();

        var error = await FailAsync($"postgres://u:swordfish@127.0.0.1:{port}/db");

        Assert.Equal(("HostUnreachable", ErrorKind.ConnectionError), (error.ErrorId, error.Kind));
    }

    [Fact]
    public async Task A_socket_that_is_not_there() =>
        Assert.Equal("HostUnreachable", (await FailAsync("postgres:///db?host=/no/such/folder&password=swordfish")).ErrorId);

    [Fact]
    public async Task A_server_that_never_answers()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();

        var error = await FailAsync($"postgres://u:swordfish@127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/db?connect_timeout=2&sslmode=require");

        Assert.Equal("HostUnreachable", error.ErrorId);
        Assert.Contains("in time", error.Message);
    }

    [Fact]
    public async Task A_wrong_password_a_missing_one_and_an_unknown_role()
    {
        await server.StartAsync();
        await server.CreateAsync("err_auth", "right", "err_auth", Token);

        var wrong = await FailAsync($"postgres://err_auth:swordfish@localhost:{server.Port}/err_auth");
        Assert.Equal(("AuthenticationFailed", ErrorKind.AuthenticationError, "28P01"), (wrong.ErrorId, wrong.Kind, wrong.SqlState));
        Assert.Equal("AuthenticationFailed", (await FailAsync($"postgres://err_auth@localhost:{server.Port}/err_auth")).ErrorId);
        Assert.Equal("AuthenticationFailed", (await FailAsync($"postgres://no_such_role:swordfish@localhost:{server.Port}/err_auth")).ErrorId);
    }

    [Fact]
    public async Task A_database_that_does_not_exist()
    {
        await server.StartAsync();
        await server.CreateAsync("err_db", "swordfish", "err_db", Token);

        var error = await FailAsync($"postgres://err_db:swordfish@localhost:{server.Port}/no_such_db");

        Assert.Equal(("DatabaseUnknown", "3D000"), (error.ErrorId, error.SqlState));
    }

    [Fact]
    public async Task A_database_that_the_role_may_not_enter()
    {
        await server.StartAsync();
        await server.CreateAsync("err_enter", "swordfish", "err_enter", Token);
        await server.ExecuteAsync("CREATE DATABASE err_closed", Token);
        await server.ExecuteAsync("REVOKE CONNECT ON DATABASE err_closed FROM PUBLIC", Token);

        Assert.Equal("ConnectPrivilegeMissing", (await FailAsync($"postgres://err_enter:swordfish@localhost:{server.Port}/err_closed")).ErrorId);
    }

    [Fact]
    public async Task Too_many_connections()
    {
        await server.StartAsync();
        await server.CreateAsync("err_many", "swordfish", "err_many", Token);
        await server.ExecuteAsync("ALTER ROLE err_many CONNECTION LIMIT 0", Token);

        Assert.Equal("TooManyConnections", (await FailAsync($"postgres://err_many:swordfish@localhost:{server.Port}/err_many")).ErrorId);
    }

    [Fact]
    public void A_server_that_is_starting()
    {
        var answer = new PostgresException("the database system is starting up", "FATAL", "FATAL", PostgresErrorCodes.CannotConnectNow);

        var error = ConnectionErrors.Map(answer, "source", new DatabaseAddress("h", 1, "d", "u"));

        Assert.Equal(("ServerStarting", "57P03"), (error.ErrorId, error.SqlState));
    }

    [Fact]
    public void What_is_known_already_stays_what_it_is()
    {
        var known = new MigrationException("Known", ErrorKind.InvalidData, "known", "do");

        Assert.Same(known, ConnectionErrors.Map(known, "source", new DatabaseAddress("h", 1, "d", "u")));
    }

    [Fact]
    public async Task A_cancellation_stays_a_cancellation()
    {
        var settings = ConnectionSettings.Parse("postgres://u:swordfish@127.0.0.1:1/db", new ConnectionEnvironment());
        await using var source = settings.CreateDataSource("spec");

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => ConnectionErrors.OpenAsync(source, "source", settings.Address, new CancellationToken(canceled: true)));
    }
}
