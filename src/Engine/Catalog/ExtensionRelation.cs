using Npgsql;

namespace HerokuMigrator.Catalog;

/// <summary>A table or sequence of an extension that users fill, by the extension's own word (pg_extension_config_dump): what pg_dump carries of it too.</summary>
internal sealed record ExtensionRelation
{
    private const string Sql = """
        SELECT x.extname, n.nspname, c.relname, c.relkind::text, f.condition,
               has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT'),
               has_schema_privilege(n.oid, 'USAGE') AND CASE c.relkind
                   WHEN 'S' THEN has_sequence_privilege(c.oid, 'UPDATE')
                   ELSE has_table_privilege(c.oid, 'INSERT') AND has_table_privilege(c.oid, 'DELETE') END,
               CASE c.relkind WHEN 'S' THEN false ELSE row_security_active(c.oid) END,
               ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY a.attnum)
        FROM pg_extension x CROSS JOIN LATERAL unnest(x.extconfig, x.extcondition) f(relation, condition)
        JOIN pg_class c ON c.oid = f.relation AND c.relkind IN ('r', 'p', 'S') JOIN pg_namespace n ON n.oid = c.relnamespace ORDER BY 1, 2, 3
        """;

    public required string Extension { get; init; }

    public required string Schema { get; init; }

    public required string Name { get; init; }

    public required char Kind { get; init; }

    /// <summary>What tells the users' rows from those that the extension brings: empty, or beginning with WHERE.</summary>
    public required string Condition { get; init; }

    public required bool Readable { get; init; }

    /// <summary>The role may delete rows and insert them, or set the sequence.</summary>
    public required bool Fillable { get; init; }

    /// <summary>Policies keep rows from the role.</summary>
    public required bool HidesRows { get; init; }

    /// <summary>All but generated ones.</summary>
    public required IReadOnlyList<string> Columns { get; init; }

    public bool IsSequence => Kind == 'S';

    public string QualifiedName => SqlName.Qualify(Schema, Name);

    /// <summary>For a FROM: the users' rows, or of a sequence its one row if it was ever called.</summary>
    public string UserRows => IsSequence ? $"{QualifiedName} WHERE is_called" : $"{(Kind == 'r' ? "ONLY " : "")}{QualifiedName} {Condition}";

    public string Privileges => IsSequence ? "SELECT, UPDATE" : "SELECT, INSERT, DELETE";

    public static Task<List<ExtensionRelation>> ReadAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        connection.ListAsync(
            Sql,
            row => new ExtensionRelation
            {
                Extension = row.GetString(0),
                Schema = row.GetString(1),
                Name = row.GetString(2),
                Kind = row.GetString(3)[0],
                Condition = row.GetString(4),
                Readable = row.GetBoolean(5),
                Fillable = row.GetBoolean(6),
                HidesRows = row.GetBoolean(7),
                Columns = row.GetFieldValue<string[]>(8),
            },
            cancellationToken);

    public override string ToString() => $"{QualifiedName} of {Extension}";
}
