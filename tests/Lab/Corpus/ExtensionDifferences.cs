using Npgsql;

namespace HerokuMigrator.Lab;

/// <summary>Extensions that only one side has, in the form of a <see cref="ContentComparison"/>'s lines.</summary>
internal static class ExtensionDifferences
{
    // In the order in which they were made, as one may need another.
    private const string Sql = "SELECT e.extname::text, n.nspname::text FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace ORDER BY e.oid";

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

    /// <summary>
    /// As a superuser, as the operator of a hosting service would, in the same schemas as on the source. Those that watch a server stay out:
    /// nobody asks an operator for them. Returns their names.
    /// </summary>
    public static async Task<IReadOnlyList<string>> MakeOnTargetAsync(LabMove move, CancellationToken cancellationToken)
    {
        List<string> made = [];
        foreach (var (name, schema) in (await ReadAsync(move.Source, cancellationToken)).Where(one => one.Name is not ("pg_stat_statements" or "plpgsql")))
        {
            await move.Target.ExecuteAsync(
                $"""
                CREATE SCHEMA IF NOT EXISTS {SqlText.QuoteIdentifier(schema)} AUTHORIZATION {SqlText.QuoteIdentifier(move.Target.Owner.Name)};
                CREATE EXTENSION IF NOT EXISTS {SqlText.QuoteIdentifier(name)} SCHEMA {SqlText.QuoteIdentifier(schema)} CASCADE;
                """,
                cancellationToken);
            made.Add(name);
        }

        return made;
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
