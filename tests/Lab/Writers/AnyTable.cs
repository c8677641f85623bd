using Npgsql;

namespace HerokuMigrator.Lab;

/// <param name="Name">Quoted.</param>
/// <param name="Type">As SQL writes it, qualified.</param>
/// <param name="Base">The name of the type under its domains.</param>
/// <param name="IsKey">Part of a primary key or another unique index.</param>
/// <param name="HasDefault">By a default or by identity.</param>
/// <param name="Referenced">A subquery for some row's value where a foreign key asks for one; else empty.</param>
internal sealed record AnyColumn(string Name, string Type, string Base, bool IsEnum, int Length, bool IsKey, bool HasDefault, string Referenced)
{
    /// <summary>SQL for a value that hardly any row has yet, made of the row at hand; null where the type is none that this can be said of.</summary>
    public string? NewValue
    {
        get
        {
            var value = IsEnum ? $"(SELECT e FROM unnest(enum_range(NULL::{Type})) e ORDER BY random() LIMIT 1)"
                : Referenced.Length > 0 ? Referenced
                : Base switch
                {
                    "int2" => "(random() * 30000)::int",
                    "int4" or "oid" => "(1e6 + random() * 2e9)::int",
                    "int8" => "(1e6 + random() * 9e15)::bigint",
                    "numeric" or "float4" or "float8" or "money" => $"{Name} + {Name}",
                    "text" or "varchar" or "bpchar" or "citext" => $"left(md5(random()::text) || coalesce({Name}::text, E'ü\\t\\\\\"'), {(Length > 0 ? Length : 300)})",
                    "uuid" => "gen_random_uuid()",
                    "bytea" => $"substring(decode(md5(random()::text) || md5(random()::text) || md5(random()::text), 'hex') for greatest(1, octet_length({Name})))",
                    "timestamp" or "timestamptz" or "time" or "interval" => $"{Name} + random() * interval '900 days'",
                    "date" => $"{Name} + (random() * 900)::int",
                    "bool" => $"NOT {Name}",
                    "inet" => $"{Name} + (random() * 100000)::int",
                    "json" or "jsonb" => $"jsonb_build_array({Name}, random(), E'\\\\n\\t\"ü')",
                    _ => null,
                };
            return value is null ? null : $"({value})::{Type}";
        }
    }
}

/// <summary>A relation that rows can be written to: a table, a leaf, or a partitioned parent.</summary>
internal sealed record AnyTable(string Name, bool IsPartitioned, bool IsPartition, IReadOnlyList<AnyColumn> Columns)
{
    private const string Sql = """
        WITH RECURSIVE base AS (
            SELECT oid, oid AS leaf FROM pg_catalog.pg_type
            UNION ALL SELECT b.oid, t.typbasetype FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.leaf WHERE t.typtype = 'd')
        SELECT pg_catalog.format('%I.%I', n.nspname, c.relname), c.relkind = 'p', pg_catalog.quote_ident(a.attname), pg_catalog.format_type(a.atttypid, a.atttypmod), t.typname::text, t.typtype = 'e',
            CASE WHEN t.typname IN ('varchar', 'bpchar') THEN greatest(0, a.atttypmod - 4) ELSE 0 END,
            EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisunique AND a.attnum = ANY (i.indkey)),
            a.atthasdef OR a.attidentity <> '',
            coalesce((SELECT pg_catalog.format('SELECT %I FROM %s ORDER BY random() LIMIT 1', r.attname, f.confrelid::pg_catalog.regclass)
                FROM pg_catalog.pg_constraint f JOIN pg_catalog.pg_attribute r ON r.attrelid = f.confrelid AND r.attnum = f.confkey[array_position(f.conkey, a.attnum)]
                WHERE f.conrelid = c.oid AND f.contype = 'f' AND a.attnum = ANY (f.conkey) ORDER BY f.oid LIMIT 1), ''),
            c.relispartition
        FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        JOIN base b ON b.oid = a.atttypid JOIN pg_catalog.pg_type t ON t.oid = b.leaf AND t.typtype <> 'd'
        WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
            AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'heroku_ext')
            AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND e.objid = c.oid AND e.deptype = 'e')
        ORDER BY 1, a.attnum
        """;

    public bool IsKeyless => !Columns.Any(column => column.IsKey);

    /// <summary>Rows of a table alone: its inheritors are tables of their own. A partitioned parent has none but those of its leaves.</summary>
    private string From => IsPartitioned ? Name : "ONLY " + Name;

    /// <summary>One row's address, whichever leaf it lies in.</summary>
    private string AnyRow => $"(tableoid, ctid) = (SELECT tableoid, ctid FROM {From} ORDER BY random() LIMIT 1)";

    public static async Task<IReadOnlyList<AnyTable>> ReadAllAsync(LabDatabase database, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(database.AdminConnectionString);
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand("SET search_path = ''; " + Sql, connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        List<(string Table, bool IsPartitioned, bool IsPartition, AnyColumn Column)> rows = [];
        while (await reader.ReadAsync(cancellationToken))
        {
            var column = new AnyColumn(
                reader.GetString(2), reader.GetString(3), reader.GetString(4), reader.GetBoolean(5), reader.GetInt32(6), reader.GetBoolean(7), reader.GetBoolean(8), reader.GetString(9));
            rows.Add((reader.GetString(0), reader.GetBoolean(1), reader.GetBoolean(10), column));
        }

        return
        [
            .. rows.GroupBy(row => (row.Table, row.IsPartitioned, row.IsPartition))
                .Select(group => new AnyTable(group.Key.Table, group.Key.IsPartitioned, group.Key.IsPartition, [.. group.Select(row => row.Column)])),
        ];
    }

    /// <summary>A copy of some row under a new key.</summary>
    public string Insert()
    {
        var given = Columns.Where(column => !(column.IsKey && column.HasDefault && column.Referenced.Length == 0)).ToList();
        var values = given.Select(column => column.IsKey ? column.NewValue ?? column.Name : column.Name);
        return given.Count == 0
            ? $"INSERT INTO {Name} DEFAULT VALUES"
            : $"INSERT INTO {Name} ({string.Join(", ", given.Select(column => column.Name))}) OVERRIDING SYSTEM VALUE SELECT {string.Join(", ", values)} FROM {From} ORDER BY random() LIMIT 1";
    }

    /// <summary>Another value in some column that is no key; null where there is none.</summary>
    public string? Update(Random random)
    {
        var changeable = Columns.Where(column => !column.IsKey && column.NewValue is not null).ToList();
        if (changeable.Count == 0)
        {
            return null;
        }

        var column = changeable[random.Next(changeable.Count)];
        // Another row's value passes most checks; a new one is more of a change.
        var value = random.Next(3) == 0 ? column.NewValue : $"(SELECT {column.Name} FROM {From} ORDER BY random() LIMIT 1)";
        return $"UPDATE {From} SET {column.Name} = {value} WHERE {AnyRow}";
    }

    public string Delete() => $"DELETE FROM {From} WHERE {AnyRow}";

    /// <summary>Another key for some row; null where no column of a key can be changed.</summary>
    public string? ChangeKey(Random random)
    {
        var changeable = Columns.Where(column => column.IsKey && column.NewValue is not null).ToList();
        return changeable.Count == 0 ? null : changeable[random.Next(changeable.Count)] is var column ? $"UPDATE {From} SET {column.Name} = {column.NewValue} WHERE {AnyRow}" : null;
    }
}
