using Npgsql;

namespace HerokuMigrator.Lab;

/// <summary>Extensions that only one side has, in the form of a <see cref="ContentComparison"/>'s lines.</summary>
internal static class ExtensionDifferences
{
    private const string Sql = "SELECT e.extname::text, n.nspname::text FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace ORDER BY 1";

    public static async Task<IReadOnlyList<string>> FindAsync(LabMove move, CancellationToken cancellationToken)
    {
        var source = await ReadAsync(move.Source, cancellationToken);
        var target = await ReadAsync(move.Target, cancellationToken);
        return
        [
            .. source.Except(target).Select(one => $"extension {one.Name}: only on the source: in schema {one.Schema}"),
            .. target.Except(source).Select(one => $"extension {one.Name}: only on the target: in schema {one.Schema}"),
        ];
    }

    private static async Task<List<(string Name, string Schema)>> ReadAsync(LabDatabase database, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(database.AdminConnectionString);
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(Sql, connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        List<(string, string)> extensions = [];
        while (await reader.ReadAsync(cancellationToken))
        {
            extensions.Add((reader.GetString(0), reader.GetString(1)));
        }

        return extensions;
    }
}
