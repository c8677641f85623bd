using HerokuMigrator.Capture;
using HerokuMigrator.Catalog;
using Npgsql;

namespace HerokuMigrator.Readiness;

internal sealed class AwkwardKeyValues : IReadinessCheck
{
    private const int TablesRead = 60;

    private const int RowsRead = 10_000;

    /// <summary>The samples that ANALYZE left; nothing of a table is read for it. In an array's text a backslash is doubled, and one stands before a quote.</summary>
    private const string SamplesSql = """
        SELECT s.schemaname, s.tablename, s.attname FROM pg_stats s
        WHERE strpos(coalesce(s.most_common_vals::text, '') || coalesce(s.histogram_bounds::text, ''), repeat(chr(92), 2)) > 0 AND (s.schemaname, s.tablename) IN (SELECT * FROM unnest($1::text[], $2::text[]))
        """;

    public string Id => nameof(AwkwardKeyValues);

    public string Group => CheckGroup.Schema;

    public string Title => "Values of keys that cannot be replayed";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        var tables = context.Catalog.Tables.Where(table => table.Mode == TransferMode.Replayed && CaptureSql.AwkwardKey(table, "t") is not null)
            .OrderByDescending(table => table.Key.Count == 1).ThenByDescending(table => table.Bytes).ToList();
        if (tables.Count == 0)
        {
            return Finding.Pass("No table is replayed by a key of text.");
        }

        await using var source = await context.OpenSourceAsync(cancellationToken);
        var found = new List<TableInfo>(await SampledAsync(source, tables, cancellationToken));
        var read = 0;
        foreach (var table in tables.Except(found).Take(TablesRead).ToList())
        {
            if (await HasAwkwardRowAsync(source, table, cancellationToken) is not { } answer)
            {
                continue;
            }

            read++;
            if (answer)
            {
                found.Add(table);
            }
        }

        var names = found.ConvertAll(table => table.QualifiedName);
        return found.Count == 0
            ? Finding.Pass($"{FindingText.Count(tables.Count, "table is", "tables are")} replayed by a key of text; in {read} of them a look at up to {RowsRead} rows found no empty key, and no backslash in a key of several columns.")
            : Finding.Warning(
                $"{FindingText.Count(found.Count, "table holds", "tables hold")} keys that Bucardo garbles (an empty text, or a backslash in a key of several columns), or did so when last analysed: "
                + FindingText.Several(found.ConvertAll(table => $"{table} ({FindingText.Bytes(table.Bytes)})")) + ".",
                "The rows are copied rightly. When such a row is written while the migration runs, its whole table is copied again: before the fence, and once more under it where such rows changed since, which makes the pause longer.",
                "-- finds the rows, on the source; give them other keys, or write none of them until the switch:\n"
                + FindingText.Statements(found.Select(table => $"SELECT {SqlName.List(table.Key)} FROM ONLY {table.QualifiedName} t WHERE {CaptureSql.AwkwardKey(table, "t")}")),
                names);
    }

    private static async Task<IReadOnlyList<TableInfo>> SampledAsync(NpgsqlConnection source, IReadOnlyList<TableInfo> tables, CancellationToken cancellationToken)
    {
        var composite = tables.Where(table => table.Key.Count > 1).ToList();
        var hits = (await source.ListAsync(
                SamplesSql, row => (Schema: row.GetString(0), Table: row.GetString(1), Column: row.GetString(2)), cancellationToken,
                composite.Select(table => table.Schema).ToArray(), composite.Select(table => table.Name).ToArray()))
            .ToHashSet();
        return [.. composite.Where(table => table.Columns.Any(column => table.Key.Contains(column.Name) && CaptureSql.IsText(column) && hits.Contains((table.Schema, table.Name, column.Name))))];
    }

    /// <summary>A bounded look; null for a table that somebody holds, or that is slow to read.</summary>
    private static async Task<bool?> HasAwkwardRowAsync(NpgsqlConnection source, TableInfo table, CancellationToken cancellationToken)
    {
        var sample = $"SELECT {SqlName.List(table.Key)} FROM ONLY {table.QualifiedName} LIMIT {RowsRead}";
        // The index finds an empty key in a table of any size; other types than these may have no operator here that uses it.
        var key = table.Columns.First(column => column.Name == table.Key[0]);
        var sql = table.Key.Count == 1 && key.BaseTypeName is ("text" or "varchar" or "bpchar")
            ? $"SELECT EXISTS (SELECT FROM ONLY {table.QualifiedName} t WHERE t.{SqlName.Quote(key.Name)} = '')"
            : $"SELECT EXISTS (SELECT FROM ({sample}) t WHERE {CaptureSql.AwkwardKey(table, "t")})";
        await using var transaction = await source.BeginTransactionAsync(cancellationToken);
        try
        {
            await source.ExecuteAsync("SET LOCAL lock_timeout = '200ms'; SET LOCAL statement_timeout = '1s'", cancellationToken);
            return await source.ScalarAsync<bool>(sql, cancellationToken);
        }
        catch (PostgresException)
        {
            return null;
        }
    }
}
