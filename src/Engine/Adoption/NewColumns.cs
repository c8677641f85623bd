using HerokuMigrator.Catalog;
using Npgsql;

namespace HerokuMigrator.Adoption;

/// <summary>Reads how columns were defined that have come to a table.</summary>
internal static class NewColumns
{
    private const string Sql = """
        SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
               CASE WHEN a.atthasmissing THEN (a.attmissingval::text::text[])[1] END,
               pg_get_expr(d.adbin, d.adrelid),
               CASE WHEN a.attcollation <> t.typcollation THEN quote_ident(cn.nspname) || '.' || quote_ident(co.collname) END,
               a.attgenerated <> '', a.attidentity <> ''
        FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        LEFT JOIN pg_collation co ON co.oid = a.attcollation LEFT JOIN pg_namespace cn ON cn.oid = co.collnamespace
        WHERE a.attrelid = $1::bigint::oid AND a.attname = ANY ($2) AND NOT a.attisdropped ORDER BY a.attnum
        """;

    public static Task<List<NewColumn>> ReadAsync(NpgsqlConnection source, TableInfo table, IEnumerable<string> names, CancellationToken cancellationToken) =>
        source.ListAsync(
            Sql,
            row =>
            {
                var (expression, generated) = (Text(row, 4), row.GetBoolean(6));
                return new NewColumn(
                    row.GetString(0), row.GetString(1), row.GetBoolean(2), Text(row, 3), generated ? null : expression, Text(row, 5), generated ? expression : null, row.GetBoolean(7));
            },
            cancellationToken, (long)table.Oid, names.ToArray());

    /// <summary>Those whose type the target does not have.</summary>
    public static Task<List<string>> FindUnknownTypesAsync(NpgsqlConnection target, IEnumerable<NewColumn> columns, CancellationToken cancellationToken) =>
        target.ListAsync("SELECT t FROM unnest($1::text[]) t WHERE to_regtype(t) IS NULL", row => row.GetString(0), cancellationToken, (object)columns.Select(column => column.Type).Distinct().ToArray());

    /// <summary>Keys, checks and foreign keys of these columns, as entries of the schema; their indexes come by themselves.</summary>
    public static async Task<IReadOnlyList<(string Name, string Definition, bool Valid, uint? Referenced)>> ReadConstraintsAsync(
        NpgsqlConnection source, string relation, IEnumerable<NewColumn> columns, CancellationToken cancellationToken) =>
        await source.ListAsync(
            """
            SELECT k.conname, pg_get_constraintdef(k.oid), k.convalidated, CASE WHEN k.contype = 'f' THEN k.confrelid END
            FROM pg_constraint k WHERE k.conrelid = to_regclass($1) AND k.contype IN ('c', 'f') AND k.conparentid = 0 AND k.conislocal
              AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey) AND a.attname = ANY ($2))
            ORDER BY k.contype, k.conname
            """,
            row => (row.GetString(0), row.GetString(1), row.GetBoolean(2), row.IsDBNull(3) ? (uint?)null : row.GetFieldValue<uint>(3)),
            cancellationToken, relation, columns.Select(column => column.Name).ToArray());

    private static string? Text(NpgsqlDataReader row, int at) => row.IsDBNull(at) ? null : row.GetString(at);
}
