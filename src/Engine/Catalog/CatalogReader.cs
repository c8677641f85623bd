using Npgsql;

namespace HerokuMigrator.Catalog;

/// <summary>Reads what a database holds. Read-only, and quick enough for ten thousand tables: one query a kind of object.</summary>
public static class CatalogReader
{
    private const string TablesSql = $"""
        SELECT c.oid, n.nspname, c.relname, pg_get_userbyid(c.relowner), pg_has_role(c.relowner, 'USAGE'),
               c.relispartition, NOT c.relispartition AND c.oid IN (SELECT i.inhparent FROM pg_inherits i),
               c.relforcerowsecurity,
               c.oid IN (SELECT k.confrelid FROM pg_constraint k WHERE k.contype = 'f' AND k.conrelid <> k.confrelid),
               c.reltuples::float8
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind = 'r' AND {UserObjects.RelationFilter}
        ORDER BY n.nspname, c.relname
        """;

    private const string ColumnsSql = $"""
        WITH RECURSIVE base AS (
            SELECT t.oid, t.oid AS leaf FROM pg_type t
            UNION ALL
            SELECT b.oid, t.typbasetype FROM base b JOIN pg_type t ON t.oid = b.leaf WHERE t.typtype = 'd')
        SELECT a.attrelid, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attgenerated <> '',
               bt.typname, CASE WHEN bt.typcategory = 'A' THEN 'a' ELSE bt.typtype END, t.typtype = 'd'
        FROM pg_attribute a
        JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_type t ON t.oid = a.atttypid
        JOIN base b ON b.oid = a.atttypid JOIN pg_type bt ON bt.oid = b.leaf AND bt.typtype <> 'd'
        WHERE c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped AND {UserObjects.RelationFilter}
        ORDER BY a.attrelid, a.attnum
        """;

    private const string UniqueIndexesSql = $"""
        SELECT i.indrelid, i.indisprimary,
               i.indisvalid AND i.indislive, i.indimmediate, i.indpred IS NOT NULL, i.indexprs IS NOT NULL,
               ARRAY(SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY k(num, at)
                     JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.num
                     WHERE k.at <= i.indnkeyatts ORDER BY k.at)
        FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE i.indisunique AND c.relkind = 'r' AND {UserObjects.RelationFilter}
        ORDER BY i.indrelid, i.indisprimary DESC, i.indnkeyatts, i.indexrelid
        """;

    public static async Task<SourceCatalog> ReadAsync(NpgsqlConnection connection, CancellationToken cancellationToken) => new(
        await ReadTablesAsync(connection, cancellationToken),
        await ReadPartitionedAsync(connection, cancellationToken),
        await ReadSequencesAsync(connection, cancellationToken),
        await ReadMaterializedViewsAsync(connection, cancellationToken),
        await ReadSchemasAsync(connection, cancellationToken));

    /// <summary>The tables that hold rows, each with the way that its rows go.</summary>
    public static async Task<IReadOnlyList<TableInfo>> ReadTablesAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var sizes = await TableSizes.ReadAsync(connection, cancellationToken);
        var columns = await ReadColumnsAsync(connection, cancellationToken);
        var indexes = await ReadUniqueIndexesAsync(connection, cancellationToken);
        var tables = await connection.ListAsync(
            TablesSql,
            row => new TableInfo
            {
                Oid = row.GetFieldValue<uint>(0),
                Schema = row.GetString(1),
                Name = row.GetString(2),
                Owner = row.GetString(3),
                Owned = row.GetBoolean(4),
                IsLeaf = row.GetBoolean(5),
                HasInheritors = row.GetBoolean(6),
                ForcesRowSecurity = row.GetBoolean(7),
                ReferencedByOthers = row.GetBoolean(8),
                RowsEstimate = row.GetDouble(9),
                Bytes = sizes.GetValueOrDefault(row.GetFieldValue<uint>(0)),
                Columns = columns.TryGetValue(row.GetFieldValue<uint>(0), out var own) ? own : [],
            },
            cancellationToken);
        return TransferPlan.Assign(tables, indexes);
    }

    public static Task<List<SequenceInfo>> ReadSequencesAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        connection.ListAsync(
            $"""
            SELECT c.oid, n.nspname, c.relname, pg_has_role(c.relowner, 'USAGE')
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind = 'S' AND {UserObjects.RelationFilter} ORDER BY n.nspname, c.relname
            """,
            row => new SequenceInfo(row.GetFieldValue<uint>(0), row.GetString(1), row.GetString(2), row.GetBoolean(3)),
            cancellationToken);

    /// <summary>Schema-qualified and quoted names of all tables, partitioned parents too: what an empty target must not have.</summary>
    public static Task<List<string>> ReadTableNamesAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        connection.ListAsync(
            $"""
            SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind IN ('r', 'p', 'f') AND {UserObjects.RelationFilter} ORDER BY 1, 2
            """,
            row => SqlName.Qualify(row.GetString(0), row.GetString(1)),
            cancellationToken);

    /// <summary>Views, materialized views and indexes, each with its kind.</summary>
    internal static Task<List<string>> ReadViewAndIndexNamesAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        connection.ListAsync(
            $"""
            SELECT CASE c.relkind WHEN 'v' THEN 'view ' WHEN 'm' THEN 'materialized view ' ELSE 'index ' END, n.nspname, c.relname
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind IN ('v', 'm', 'i', 'I') AND {UserObjects.RelationFilter}
              AND NOT EXISTS (SELECT FROM pg_index i JOIN pg_depend e ON e.classid = 'pg_class'::regclass AND e.objid = i.indrelid AND e.deptype = 'e' WHERE i.indexrelid = c.oid)
            ORDER BY 1, 2, 3
            """,
            row => row.GetString(0) + SqlName.Qualify(row.GetString(1), row.GetString(2)),
            cancellationToken);

    private static Task<List<string>> ReadPartitionedAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        connection.ListAsync(
            $"""
            SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind = 'p' AND {UserObjects.RelationFilter} ORDER BY 1, 2
            """,
            row => SqlName.Qualify(row.GetString(0), row.GetString(1)),
            cancellationToken);

    private static Task<List<MaterializedViewInfo>> ReadMaterializedViewsAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        connection.ListAsync(
            $"""
            SELECT c.oid, n.nspname, c.relname, c.relispopulated FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind = 'm' AND {UserObjects.RelationFilter} ORDER BY c.oid
            """,
            row => new MaterializedViewInfo(row.GetFieldValue<uint>(0), row.GetString(1), row.GetString(2), row.GetBoolean(3)),
            cancellationToken);

    private static Task<List<string>> ReadSchemasAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        connection.ListAsync(
            $"SELECT n.nspname FROM pg_namespace n WHERE {UserObjects.SchemaFilter} ORDER BY 1",
            row => row.GetString(0),
            cancellationToken);

    private static async Task<Dictionary<uint, IReadOnlyList<ColumnInfo>>> ReadColumnsAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var rows = await connection.ListAsync(
            ColumnsSql,
            row => (Table: row.GetFieldValue<uint>(0), Column: new ColumnInfo(
                row.GetString(1), row.GetString(2), row.GetBoolean(3), row.GetBoolean(4), row.GetString(5), row.GetChar(6), row.GetBoolean(7))),
            cancellationToken);
        return rows.GroupBy(row => row.Table).ToDictionary(group => group.Key, IReadOnlyList<ColumnInfo> (group) => [.. group.Select(row => row.Column)]);
    }

    private static async Task<ILookup<uint, UniqueIndex>> ReadUniqueIndexesAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var rows = await connection.ListAsync(
            UniqueIndexesSql,
            row => (Table: row.GetFieldValue<uint>(0), Index: new UniqueIndex(
                row.GetBoolean(1), row.GetBoolean(2), row.GetBoolean(3), row.GetBoolean(4), row.GetBoolean(5), row.GetFieldValue<string[]>(6))),
            cancellationToken);
        return rows.ToLookup(row => row.Table, row => row.Index);
    }
}
