using Npgsql;

namespace HerokuMigrator.Catalog;

/// <summary>Does with tables that no key lets be replayed what the start was told.</summary>
internal static class KeylessPolicy
{
    private const string ReferencesSql = """
        WITH RECURSIVE left_out AS (
            SELECT unnest($1::bigint[])::oid AS oid
            UNION
            SELECT i.inhparent FROM left_out JOIN pg_class c ON c.oid = left_out.oid AND c.relispartition JOIN pg_inherits i ON i.inhrelid = c.oid)
        SELECT DISTINCT cn.nspname, c.relname, rn.nspname, r.relname
        FROM pg_constraint k
        JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace cn ON cn.oid = c.relnamespace
        JOIN pg_class r ON r.oid = k.confrelid JOIN pg_namespace rn ON rn.oid = r.relnamespace
        WHERE k.contype = 'f' AND k.conrelid = ANY ($2::bigint[]::oid[]) AND k.confrelid IN (SELECT oid FROM left_out)
        ORDER BY 1, 2, 3, 4
        """;

    /// <summary>The plan with what is left out marked so.</summary>
    public static IReadOnlyList<TableInfo> Apply(IReadOnlyList<TableInfo> tables, KeylessTable choice) =>
        choice == KeylessTable.Skip ? [.. tables.Select(table => table.Mode == TransferMode.CopiedWhole ? table with { Mode = TransferMode.LeftOut } : table)] : tables;

    /// <summary>Throws where the choice forbids these tables, or leaves out rows that others refer to. To be called with the plan, before anything is changed.</summary>
    public static async Task RequireAsync(NpgsqlConnection source, IReadOnlyList<TableInfo> planned, KeylessTable choice, CancellationToken cancellationToken)
    {
        var keyless = planned.Where(table => table.Mode != TransferMode.Replayed).ToList();
        if (keyless.Count == 0 || choice == KeylessTable.Copy)
        {
            return;
        }

        if (choice == KeylessTable.Refuse)
        {
            throw Errors.KeylessTablesRefused(keyless);
        }

        var references = await source.ListAsync(
            ReferencesSql,
            row => (Table: SqlName.Qualify(row.GetString(0), row.GetString(1)), LeftOut: SqlName.Qualify(row.GetString(2), row.GetString(3))),
            cancellationToken,
            keyless.Select(table => (long)table.Oid).ToArray(),
            planned.Where(table => table.Mode != TransferMode.LeftOut).Select(table => (long)table.Oid).ToArray());
        if (references.Count > 0)
        {
            throw Errors.LeftOutReferenced(references);
        }
    }
}
