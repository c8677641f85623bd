using Npgsql;

namespace HerokuMigrator.Lab;

/// <summary>
/// Writers leave a materialized view behind that shows what was there before; the target's was refreshed at the switch.
/// Only fresh ones can be compared.
/// </summary>
internal static class StaleViews
{
    private const string Sql = """
        SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind = 'm' AND c.relispopulated AND n.nspname !~ '^pg_' ORDER BY c.oid
        """;

    /// <summary>One that shows another is made after it, so the order is that of their making. Returns those that the rows of now do not allow, with the server's words.</summary>
    public static async Task<IReadOnlyDictionary<string, string>> RefreshAsync(LabDatabase database, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(database.AdminConnectionString);
        await connection.OpenAsync(cancellationToken);
        List<string> views = [];
        await using (var command = new NpgsqlCommand(Sql, connection))
        await using (var reader = await command.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                views.Add(reader.GetString(0));
            }
        }

        Dictionary<string, string> refused = new(StringComparer.Ordinal);
        foreach (var view in views)
        {
            try
            {
                await using var refresh = new NpgsqlCommand("REFRESH MATERIALIZED VIEW " + view, connection);
                await refresh.ExecuteNonQueryAsync(cancellationToken);
            }
            catch (PostgresException exception)
            {
                refused[view] = exception.MessageText;
            }
        }

        return refused;
    }
}
