using Npgsql;
using Xunit;

namespace HerokuMigrator.Unit.Connections;

public sealed class LostConnectionSpecs
{
    [Fact]
    public async Task A_statement_for_a_connection_that_is_not_open_any_more_tells_it_as_lost()
    {
        await using var connection = new NpgsqlConnection("Host=127.0.0.1");
        var lost = await Assert.ThrowsAsync<NpgsqlException>(() => connection.ExecuteAsync("SELECT 1", TestContext.Current.CancellationToken));
        Assert.Equal("ConnectionLost", Errors.Known(lost).ErrorId);
    }

    [Theory]
    [InlineData("Npgsql", "ConnectionLost")]
    [InlineData("HerokuMigrator.Engine", "Unexpected")]
    public void Of_invalid_operations_only_those_that_npgsql_tells_are_lost_connections(string source, string id) =>
        Assert.Equal(id, Errors.Known(new InvalidOperationException("Connection is not open") { Source = source }).ErrorId);
}
