using HerokuMigrator.Connections;
using Npgsql;
using Xunit;

namespace HerokuMigrator.Unit.Connections;

public sealed class DatabaseIdentitySpecs(TemporaryServer server)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static async Task<NpgsqlConnection> OpenAsync(string connectionString)
    {
        var settings = ConnectionSettings.Parse(connectionString, new ConnectionEnvironment());
        return await settings.CreateDataSource("spec", adjust: builder => builder.Pooling = false).OpenConnectionAsync(Token);
    }

    [Fact]
    public async Task One_database_is_known_through_every_address_and_role()
    {
        await server.StartAsync();
        await server.CreateAsync("id_a", "pw", "id_same", Token);
        await server.CreateAsync("id_b", "pw", "id_other", Token);
        string[] addresses =
        [
            $"postgres://id_a:pw@localhost:{server.Port}/id_same",
            $"postgres://id_b:pw@127.0.0.1:{server.Port}/id_same",
            $"postgres://id_b:pw@/id_same?host={server.SocketFolder}&port={server.Port}",
            $"host=alias.test hostaddr=127.0.0.1 port={server.Port} user=id_b password=pw dbname=id_same",
            $"postgres://{TemporaryServer.Superuser}@/id_same?host={server.SocketFolder}&port={server.Port}",
        ];
        await using var first = await OpenAsync(addresses[0]);

        foreach (var address in addresses)
        {
            await using var second = await OpenAsync(address);
            Assert.True(await DatabaseIdentity.IsSameDatabaseAsync(first, second, Token), address);
            Assert.True(await DatabaseIdentity.IsSameDatabaseAsync(second, first, Token), address);
        }
    }

    [Fact]
    public async Task Two_databases_of_one_server_are_two()
    {
        await server.StartAsync();
        await server.CreateAsync("id_c", "pw", "id_c", Token);
        await server.CreateAsync("id_d", "pw", "id_d", Token);
        await using var a = await OpenAsync($"postgres://id_c:pw@localhost:{server.Port}/id_c");
        await using var b = await OpenAsync($"postgres://id_d:pw@localhost:{server.Port}/id_d");

        Assert.False(await DatabaseIdentity.IsSameDatabaseAsync(a, b, Token));
    }

    [Fact]
    public async Task A_fork_is_another_database_though_it_has_the_same_identifier()
    {
        await server.StartAsync();
        await using var origin = await OpenAsync($"postgres://{TemporaryServer.Superuser}@/postgres?host={server.SocketFolder}&port={server.Port}");
        await using var fork = await OpenAsync($"postgres://{TemporaryServer.Superuser}@/postgres?host={server.SocketFolder}&port={server.ForkPort}");

        var (one, two) = (await DatabaseIdentity.ReadAsync(origin, Token), await DatabaseIdentity.ReadAsync(fork, Token));

        Assert.NotNull(one.SystemIdentifier);
        Assert.Equal((one.SystemIdentifier, one.DatabaseOid), (two.SystemIdentifier, two.DatabaseOid));
        Assert.False(await DatabaseIdentity.IsSameDatabaseAsync(origin, fork, Token));
    }

    [Fact]
    public async Task A_plain_role_reads_all_but_what_it_may_not_see()
    {
        await server.StartAsync();
        await server.CreateAsync("id_e", "pw", "id_e", Token);
        await using var connection = await OpenAsync($"postgres://id_e:pw@localhost:{server.Port}/id_e");

        var identity = await DatabaseIdentity.ReadAsync(connection, Token);

        Assert.Equal(("id_e", false), (identity.DatabaseName, identity.IsInRecovery));
        Assert.InRange(identity.ServerVersion, 130000, 999999);
    }

    [Fact]
    public async Task A_connection_is_the_same_as_itself()
    {
        await server.StartAsync();
        await using var connection = await OpenAsync($"postgres://{TemporaryServer.Superuser}@/postgres?host={server.SocketFolder}&port={server.Port}");

        Assert.True(await DatabaseIdentity.IsSameDatabaseAsync(connection, connection, Token));
    }
}
