using HerokuMigrator.Catalog;
using Npgsql;

namespace HerokuMigrator.Copy;

/// <summary>How the rows of a table travel between the two servers.</summary>
internal enum CopyFormat
{
    Text,
    Binary,
}

/// <summary>
/// Chooses binary for tables of which each column's type is sent and received by the same functions on both servers. What carries oids of one server
/// (composites, arrays of types that are not the server's own, reg* types) goes as text, and so does what depends on settings (money, xml).
/// </summary>
internal sealed class CopyFormats
{
    /// <summary>
    /// One row a column, with what its bytes mean: the server's own type, an enum, whose labels are what is sent, or an extension's type with the version of that.
    /// Null: only text will do.
    /// </summary>
    private const string WireSql = """
        WITH RECURSIVE col AS (
            SELECT n.nspname, c.relname, a.attname, a.atttypid
            FROM unnest($1::text[], $2::text[]) wanted(schema_name, table_name)
            JOIN pg_namespace n ON n.nspname = wanted.schema_name JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = wanted.table_name AND c.relkind = 'r'
            JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''),
        base AS (
            SELECT DISTINCT atttypid AS oid, atttypid AS leaf FROM col
            UNION ALL
            SELECT b.oid, t.typbasetype FROM base b JOIN pg_type t ON t.oid = b.leaf WHERE t.typtype = 'd'),
        wire AS (
            SELECT b.oid, CASE
                WHEN t.typtype = 'e' THEN 'enum'
                WHEN t.typsend = 0 OR t.typreceive = 0 OR t.typtype NOT IN ('b', 'r', 'm') OR ltrim(t.typname, '_') ~ '^reg'
                    OR ltrim(t.typname, '_') IN ('money', 'xml', 'aclitem', 'pg_node_tree', 'refcursor') THEN NULL
                WHEN t.oid < 16384 AND t.typnamespace = 'pg_catalog'::regnamespace THEN t.typname
                WHEN t.typtype = 'b' AND t.typcategory <> 'A' THEN (
                    SELECT e.extname || ' ' || e.extversion || ' ' || t.typname FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
                    WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass) END AS wire
            FROM base b JOIN pg_type t ON t.oid = b.leaf AND t.typtype <> 'd')
        SELECT nspname, relname, string_agg(attname || ' ' || wire, E'\n' ORDER BY attname) FROM col JOIN wire ON oid = atttypid
        GROUP BY 1, 2 HAVING count(*) = count(wire)
        """;

    private readonly HashSet<(string Schema, string Table)> _binary;

    private CopyFormats(HashSet<(string Schema, string Table)> binary) => _binary = binary;

    public CopyFormat this[TableInfo table] => _binary.Contains((table.Schema, table.Name)) ? CopyFormat.Binary : CopyFormat.Text;

    public static async Task<CopyFormats> ReadAsync(
        NpgsqlConnection source, NpgsqlConnection target, IReadOnlyList<TableInfo> tables, CancellationToken cancellationToken)
    {
        // Rows that travel as binary are counted by the server's own counters.
        if (await target.ScalarAsync<string>("SELECT current_setting('track_counts')", cancellationToken) != "on")
        {
            return new CopyFormats([]);
        }

        var left = await ReadAsync(source, tables, cancellationToken);
        var right = (await ReadAsync(target, tables, cancellationToken)).ToDictionary(row => row.Table, row => row.Wire);
        return new CopyFormats([.. left.Where(row => right.TryGetValue(row.Table, out var wire) && wire == row.Wire).Select(row => row.Table)]);
    }

    private static Task<List<((string Schema, string Name) Table, string Wire)>> ReadAsync(
        NpgsqlConnection connection, IReadOnlyList<TableInfo> tables, CancellationToken cancellationToken) =>
        connection.ListAsync(
            WireSql,
            row => ((row.GetString(0), row.GetString(1)), row.GetString(2)),
            cancellationToken,
            tables.Select(table => table.Schema).ToArray(), tables.Select(table => table.Name).ToArray());
}
