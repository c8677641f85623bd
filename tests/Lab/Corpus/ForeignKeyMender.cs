using Npgsql;

namespace HerokuMigrator.Lab;

/// <summary>
/// The corpus's rows are made with foreign keys off, so some refer to nothing, which no real database has in a foreign key that is valid.
/// They are made to refer to some row, or else taken out.
/// </summary>
internal static class ForeignKeyMender
{
    private const int Rounds = 12;

    private const string KeysSql = """
        SELECT pg_catalog.format('%I.%I', cn.nspname, c.relname), pg_catalog.format('%I.%I', pn.nspname, p.relname),
            (SELECT pg_catalog.array_agg(pg_catalog.quote_ident(a.attname) ORDER BY k.at) FROM unnest(f.conkey) WITH ORDINALITY k(num, at) JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.num),
            (SELECT pg_catalog.array_agg(pg_catalog.quote_ident(a.attname) ORDER BY k.at) FROM unnest(f.confkey) WITH ORDINALITY k(num, at) JOIN pg_catalog.pg_attribute a ON a.attrelid = p.oid AND a.attnum = k.num)
        FROM pg_catalog.pg_constraint f
        JOIN pg_catalog.pg_class c ON c.oid = f.conrelid JOIN pg_catalog.pg_namespace cn ON cn.oid = c.relnamespace
        JOIN pg_catalog.pg_class p ON p.oid = f.confrelid JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace
        WHERE f.contype = 'f' AND f.convalidated AND f.conparentid = 0
        ORDER BY f.oid
        """;

    private sealed record Key(string Child, string Parent, string[] Columns, string[] Referenced)
    {
        private string Together => string.Join(" AND ", Columns.Zip(Referenced, (column, referenced) => $"p.{referenced} = c.{column}"));

        /// <summary>Of the child <c>c</c>: every column has a value, and no parent has them.</summary>
        private string Dangles => $"{string.Join(" AND ", Columns.Select(column => $"c.{column} IS NOT NULL"))} AND NOT EXISTS (SELECT FROM {Parent} p WHERE {Together})";

        /// <summary>Each dangling row gets a parent of its own while there are enough of them, so that a unique column may stay unique.</summary>
        public string Adopt => $"""
            WITH parents AS (SELECT {string.Join(", ", Referenced)}, row_number() OVER () - 1 AS at, count(*) OVER () AS number FROM {Parent} p WHERE {string.Join(" AND ", Referenced.Select(column => $"p.{column} IS NOT NULL"))}),
                children AS (SELECT tableoid, ctid, row_number() OVER () AS at FROM {Child} c WHERE {Dangles})
            UPDATE {Child} c SET {string.Join(", ", Columns.Zip(Referenced, (column, referenced) => $"{column} = parents.{referenced}"))}
            FROM children JOIN parents ON parents.at = children.at % parents.number WHERE c.tableoid = children.tableoid AND c.ctid = children.ctid
            """;

        public string Remove => $"DELETE FROM {Child} c WHERE {Dangles}";
    }

    /// <summary>Returns how many rows it changed or took out.</summary>
    public static async Task<int> MendAsync(LabDatabase database, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(database.AdminConnectionString);
        await connection.OpenAsync(cancellationToken);
        await ExecuteAsync(connection, "SET session_replication_role = replica", cancellationToken);
        var keys = await ReadAsync(connection, cancellationToken);
        var mended = 0;
        for (var round = 0; round < Rounds; round++)
        {
            var before = mended;
            foreach (var key in keys)
            {
                if (round < 2)
                {
                    mended += await TryAsync(connection, key.Adopt, cancellationToken);
                }

                mended += await TryAsync(connection, key.Remove, cancellationToken);
            }

            if (mended == before)
            {
                return mended;
            }
        }

        throw new LabException($"After {Rounds} rounds rows of {database} still refer to nothing.");
    }

    private static async Task<List<Key>> ReadAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(KeysSql, connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        List<Key> keys = [];
        while (await reader.ReadAsync(cancellationToken))
        {
            keys.Add(new Key(reader.GetString(0), reader.GetString(1), reader.GetFieldValue<string[]>(2), reader.GetFieldValue<string[]>(3)));
        }

        return keys;
    }

    /// <summary>A unique key or a check may refuse the one parent that is left; the row is taken out then.</summary>
    private static async Task<int> TryAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        try
        {
            return await ExecuteAsync(connection, sql, cancellationToken);
        }
        catch (PostgresException exception) when (exception.SqlState.StartsWith("23", StringComparison.Ordinal))
        {
            return 0;
        }
    }

    private static async Task<int> ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return Math.Max(0, await command.ExecuteNonQueryAsync(cancellationToken));
    }
}
