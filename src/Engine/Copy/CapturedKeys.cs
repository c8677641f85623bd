using HerokuMigrator.Catalog;
using Npgsql;

namespace HerokuMigrator.Copy;

/// <summary>Keys of a table that travel to the target, in a temporary table of its transaction, and the rows that go by them.</summary>
internal static class CapturedKeys
{
    private const string Table = "pg_temp.heroku_migrator_keys";

    /// <summary>Puts what the query on the source tells into the temporary table; returns how many keys that are. The target is in a transaction that knows the application's search path.</summary>
    public static async Task<long> SendAsync(NpgsqlConnection source, string select, NpgsqlConnection target, TableInfo table, CancellationToken cancellationToken)
    {
        var columns = SqlName.List(table.Key);
        var keys = 0L;
        await target.ExecuteAsync($"DROP TABLE IF EXISTS {Table}; CREATE TEMPORARY TABLE heroku_migrator_keys ON COMMIT DROP AS SELECT {columns} FROM ONLY {table.QualifiedName} LIMIT 0", cancellationToken);
        await CopyStream.RelayAsync(
            source, $"({select})", target, $"{Table} ({columns})", CopyFormat.Text,
            (_, rows, _) =>
            {
                keys += rows;
                return ValueTask.CompletedTask;
            },
            cancellationToken);
        await target.ExecuteAsync($"ANALYZE {Table}", cancellationToken);
        return keys;
    }

    /// <summary>Deletes the table's own rows with the keys that were sent; returns how many.</summary>
    public static Task<int> DeleteAsync(NpgsqlConnection target, TableInfo table, CancellationToken cancellationToken) =>
        target.ExecuteAsync($"DELETE FROM ONLY {table.QualifiedName} t USING {Table} k WHERE {Same(table)}", cancellationToken);

    /// <summary>For a table aliased <c>t</c> and keys aliased <c>k</c>.</summary>
    public static string Same(TableInfo table) => string.Join(" AND ", table.Key.Select(column => $"t.{SqlName.Quote(column)} = k.{SqlName.Quote(column)}"));
}
