using System.Diagnostics;
using System.Globalization;
using HerokuMigrator.Catalog;
using Npgsql;

namespace HerokuMigrator.Readiness;

internal sealed class TextEncoding : IReadinessCheck
{
    private const int BlockBytes = 8192;

    private static readonly HashSet<string> Texts = new(StringComparer.Ordinal) { "text", "varchar", "bpchar", "citext", "json", "xml" };

    /// <summary>How much is read. A server that verified all text on its way in is only asked for samples.</summary>
    private sealed record Bounds(int Tables, long BytesOfTable, int StatementSeconds, int Seconds);

    private static readonly Bounds Verified = new(Tables: 40, BytesOfTable: 2 << 20, StatementSeconds: 1, Seconds: 5);

    private static readonly Bounds Unverified = new(Tables: 200, BytesOfTable: 64 << 20, StatementSeconds: 5, Seconds: 20);

    public string Id => nameof(TextEncoding);

    public string Group => CheckGroup.Data;

    public string Title => "Text is valid in its encoding";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        var encoding = (await DatabaseLocale.OnceAsync(context, cancellationToken)).Source.Encoding;
        var bounds = encoding == "SQL_ASCII" ? Unverified : Verified;
        var tables = context.Catalog.Tables
            .Where(table => table.Owned && table.Bytes > 0 && TextColumns(table).Count > 0)
            .OrderByDescending(table => table.Bytes).ToList();
        await using var source = await context.OpenSourceAsync(cancellationToken);
        await source.ExecuteAsync($"SET lock_timeout = '200ms'; SET statement_timeout = '{bounds.StatementSeconds}s'", cancellationToken);
        var watch = Stopwatch.StartNew();
        var (bad, looked, bytes) = (new List<(TableInfo Table, string Message)>(), 0, 0L);
        foreach (var table in tables.Take(bounds.Tables).TakeWhile(_ => watch.Elapsed.TotalSeconds < bounds.Seconds))
        {
            try
            {
                await source.ExecuteAsync(SampleSql(table, bounds.BytesOfTable), cancellationToken);
                (looked, bytes) = (looked + 1, bytes + Math.Min(table.Bytes, bounds.BytesOfTable));
            }
            catch (PostgresException exception) when (exception.SqlState is PostgresErrorCodes.CharacterNotInRepertoire or PostgresErrorCodes.UntranslatableCharacter)
            {
                (looked, bytes) = (looked + 1, bytes + Math.Min(table.Bytes, bounds.BytesOfTable));
                bad.Add((table, exception.MessageText));
            }
            catch (PostgresException)
            {
                // Locked, too slow, or not to be read by this role: other checks tell of that.
            }
        }

        var basis = $"{looked} of {FindingText.Count(tables.Count, "table")} with text, samples of {FindingText.Bytes(bytes)} at most of their {FindingText.Bytes(tables.Sum(table => table.Bytes))}, values over 2 kB left out";
        return bad.Count == 0
            ? Finding.Pass($"All text that was looked at is valid {(encoding == "SQL_ASCII" ? "UTF-8" : encoding)} ({basis}).")
            : Finding.Blocked(
                $"Text is not valid in its encoding in {FindingText.Count(bad.Count, "table")}: {FindingText.Several(bad.ConvertAll(one => $"{one.Table.QualifiedName} ({one.Message})"))}. Looked at: {basis}.",
                "All text travels as UTF-8 and is verified on its way: the copy of such a table fails.",
                Remedy(bad.ConvertAll(one => one.Table), encoding),
                bad.ConvertAll(one => one.Table.QualifiedName));
    }

    private static List<ColumnInfo> TextColumns(TableInfo table) =>
        [.. table.CopiedColumns.Where(column => column.BaseTypeKind == 'b' && Texts.Contains(column.BaseTypeName))];

    /// <summary>Whole blocks by chance: no sequential scan is counted, and values outside the row are not fetched.</summary>
    private static string SampleSql(TableInfo table, long budget)
    {
        var percent = Math.Min(100, 100.0 * Math.Max(budget, BlockBytes) / table.Bytes).ToString("0.######", CultureInfo.InvariantCulture);
        var verified = TextColumns(table).Select(column =>
            $"count(CASE WHEN pg_column_size({SqlName.Quote(column.Name)}) <= 2000 THEN convert(textsend({SqlName.Quote(column.Name)}::text), 'UTF8', 'UTF8') END)");
        return $"SELECT {string.Join(", ", verified)} FROM ONLY {table.QualifiedName} TABLESAMPLE SYSTEM ({percent})";
    }

    private static string Remedy(List<TableInfo> tables, string encoding)
    {
        var updates = tables.Select(table =>
        {
            var columns = TextColumns(table).ConvertAll(column => (Name: SqlName.Quote(column.Name), column.Type));
            var sets = columns.Select(column =>
                $"{column.Name} = CASE WHEN pg_temp.is_valid({column.Name}::text) THEN {column.Name} ELSE convert_from(convert(textsend({column.Name}::text), 'LATIN1', 'UTF8'), 'UTF8')::{column.Type} END");
            return $"UPDATE {table.QualifiedName} SET {string.Join(", ", sets)} WHERE {string.Join(" OR ", columns.Select(column => $"NOT pg_temp.is_valid({column.Name}::text)"))}";
        });
        return $"""
            -- on the source, by psql: reads the bytes that are no UTF-8 as Latin-1; look at what is found before
            {(encoding == "SQL_ASCII" ? "SET client_encoding = 'SQL_ASCII';\n" : "")}CREATE FUNCTION pg_temp.is_valid(t text) RETURNS boolean LANGUAGE plpgsql AS $$
            BEGIN
              PERFORM pg_catalog.convert(pg_catalog.textsend(t), 'UTF8', 'UTF8');
              RETURN true;
            EXCEPTION WHEN character_not_in_repertoire OR untranslatable_character THEN
              RETURN false;
            END $$;
            {FindingText.Statements(updates)}
            """;
    }
}
