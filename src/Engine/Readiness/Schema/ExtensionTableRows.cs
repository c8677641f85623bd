using System.Globalization;
using HerokuMigrator.Catalog;
using Npgsql;

namespace HerokuMigrator.Readiness;

internal sealed class ExtensionTableRows : IReadinessCheck
{
    private const int TablesRead = 50;

    private const int RowsCounted = 1000;

    /// <summary>Tables of extensions that users fill, by the extension's own word: with a condition where the extension brings rows of its own.</summary>
    private const string Sql = """
        SELECT x.extname, n.nspname, c.relname, f.condition, has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
        FROM pg_extension x CROSS JOIN LATERAL unnest(x.extconfig, x.extcondition) f(relation, condition)
        JOIN pg_class c ON c.oid = f.relation AND c.relkind IN ('r', 'p') JOIN pg_namespace n ON n.oid = c.relnamespace ORDER BY 1, 2, 3
        """;

    public string Id => nameof(ExtensionTableRows);

    public string Group => CheckGroup.Schema;

    public string Title => "Rows that users put into tables of extensions";

    private sealed record ConfigTable(string Extension, string Name, string Condition, bool Readable);

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        var tables = await source.ListAsync(
            Sql, row => new ConfigTable(row.GetString(0), SqlName.Qualify(row.GetString(1), row.GetString(2)), row.GetString(3), row.GetBoolean(4)), cancellationToken);
        var filled = new List<(ConfigTable Table, long Rows)>();
        foreach (var table in tables.Where(table => table.Readable).Take(TablesRead))
        {
            if (await CountAsync(source, table, cancellationToken) is > 0 and var rows)
            {
                filled.Add((table, rows));
            }
        }

        if (filled.Count > 0)
        {
            return Finding.Warning(
                $"{FindingText.Count(filled.Count, "table")} of extensions hold{(filled.Count == 1 ? "s" : "")} rows of yours: {FindingText.Several(filled.ConvertAll(one => $"{one.Table.Name} of {one.Table.Extension} ({Rows(one.Rows)})"))}.",
                "Tables of extensions are made by the extension on the target, and their rows are not moved: jobs, settings or reference systems would be missing there.",
                "-- carry them over by hand once the start has made the extension on the target, before the switch; on the source, by psql:\n"
                + string.Join('\n', filled.Select((one, at) => $"\\copy (SELECT * FROM {one.Table.Name} {one.Table.Condition}) TO 'rows-{at + 1}.copy'"))
                + "\n-- then on the target (where the extension has functions for it, cron.schedule or create_parent, use these instead):\n"
                + string.Join('\n', filled.Select((one, at) => $"\\copy {one.Table.Name} FROM 'rows-{at + 1}.copy'")),
                filled.ConvertAll(one => one.Table.Name));
        }

        return tables.Exists(table => !table.Readable)
            ? Finding.Skipped($"The role may not read {FindingText.Several([.. tables.Where(table => !table.Readable).Select(table => table.Name)])}; nothing else was found.")
            : Finding.Pass("No table of an extension holds rows of users.");
    }

    private static string Rows(long rows) => rows > RowsCounted ? $"more than {RowsCounted.ToString(CultureInfo.InvariantCulture)} rows" : FindingText.Count((int)rows, "row");

    /// <summary>Bounded; null where somebody holds the table, or what the role may see cannot be told.</summary>
    private static async Task<long?> CountAsync(NpgsqlConnection source, ConfigTable table, CancellationToken cancellationToken)
    {
        await using var transaction = await source.BeginTransactionAsync(cancellationToken);
        try
        {
            // Policies are in force here: a job table shows each role its own jobs.
            await source.ExecuteAsync("SET LOCAL lock_timeout = '200ms'; SET LOCAL statement_timeout = '2s'; SET LOCAL row_security = on; SET LOCAL transaction_read_only = on", cancellationToken);
            return await source.ScalarAsync<long>($"SELECT count(*) FROM (SELECT FROM {table.Name} {table.Condition} LIMIT {RowsCounted + 1}) rows", cancellationToken);
        }
        catch (PostgresException)
        {
            return null;
        }
    }
}
