using System.Globalization;
using HerokuMigrator.Catalog;
using Npgsql;

namespace HerokuMigrator.Readiness;

internal sealed class DeltaGrowth : IReadinessCheck, IReadsWriteSample
{
    private const double SecondsOfDay = 86_400;

    /// <summary>A captured change as it was measured, with both indexes: 99 bytes by a bigint, 126 by a uuid, 163 by a text of 24 characters.</summary>
    private const double BytesOfRow = 85;

    private const double BytesOfKeyByte = 2.6;

    private const double Remarkable = 1e8;

    private const double LargeOfSmall = 1e9;

    private const double Large = 5e9;

    public string Id => nameof(DeltaGrowth);

    public string Group => CheckGroup.Size;

    public string Title => "Captured changes do not fill the source's disk";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        var sample = await WriteSample.OfAsync(context, cancellationToken);
        if (!sample.Counted)
        {
            return Finding.Skipped("The source does not count changed rows (track_counts is off).");
        }

        await using var source = await context.OpenSourceAsync(cancellationToken);
        var database = await source.ScalarAsync<long>("SELECT pg_database_size(current_database())", cancellationToken);
        var written = context.Catalog.Tables
            .Where(table => table.Mode == TransferMode.Replayed)
            .Select(table => (Table: table, Rows: Math.Max(sample.RowsPerSecondOf.GetValueOrDefault(table.Oid), sample.MeanRowsPerSecondOf.GetValueOrDefault(table.Oid))))
            .Where(one => one.Rows > 0).ToList();
        var widths = await KeyWidthsAsync(source, written.ConvertAll(one => one.Table), cancellationToken);
        var growth = written
            .Select(one => (one.Table, one.Rows, Day: SecondsOfDay * one.Rows * (BytesOfRow + (BytesOfKeyByte * widths[one.Table.Oid]))))
            .OrderByDescending(one => one.Day).ToList();
        var (rows, day) = (growth.Sum(one => one.Rows), growth.Sum(one => one.Day));
        var text = rows == 0
            ? $"No table whose changes are captured is written now ({sample.Basis})."
            : string.Create(
                CultureInfo.InvariantCulture,
                $"While replication is suspended, or tables are copied, captured changes grow by about {FindingText.Bytes((long)day)} a day: {WriteSample.Rate(rows)} of {day / SecondsOfDay / rows:0} bytes ({sample.Basis}; by the width of the keys); the source takes {FindingText.Bytes(database)} now.");
        List<string> objects = [.. growth.Where(one => one.Day >= day / 100).Select(one => one.Table.QualifiedName)];
        return day switch
        {
            < Remarkable => Finding.Pass(text),
            _ when day >= Large || (day >= LargeOfSmall && day >= 0.1 * database) => Finding.Warning(
                $"{text} Most of it: {FindingText.Several(objects)}.",
                "The changes are kept on the source until they are on the target, and count towards the plan's room; a full disk stops the application.",
                "Have room for a day of it at least before the start, start at a calmer hour, and do not leave replication suspended.",
                objects),
            _ => FindingText.Note(text, "The changes are kept on the source until they are on the target, and count towards the plan's room.", objects),
        };
    }

    /// <summary>Bytes of each table's key: as the type has it, or on average by the statistics where the type has no fixed width.</summary>
    private static async Task<Dictionary<uint, double>> KeyWidthsAsync(NpgsqlConnection source, List<TableInfo> tables, CancellationToken cancellationToken)
    {
        const string sql = """
            SELECT k.relid, sum(CASE WHEN t.typlen > 0 THEN t.typlen ELSE coalesce(s.avg_width, 32) END)::float8
            FROM unnest($1::int8[]::oid[], $2::text[]) k(relid, attname)
            JOIN pg_class c ON c.oid = k.relid JOIN pg_namespace n ON n.oid = c.relnamespace
            JOIN pg_attribute a ON a.attrelid = k.relid AND a.attname = k.attname JOIN pg_type t ON t.oid = a.atttypid
            LEFT JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = k.attname AND NOT s.inherited
            GROUP BY 1
            """;
        var keys = tables.SelectMany(table => table.Key.Select(column => (table.Oid, Column: column))).ToList();
        var widths = await source.ListAsync(
            sql,
            row => (Table: row.GetFieldValue<uint>(0), Bytes: row.GetDouble(1)),
            cancellationToken,
            keys.Select(key => (long)key.Oid).ToArray(),
            keys.Select(key => key.Column).ToArray());
        var known = widths.ToDictionary(width => width.Table, width => width.Bytes);
        return tables.ToDictionary(table => table.Oid, table => known.GetValueOrDefault(table.Oid, 8));
    }
}
