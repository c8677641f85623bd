using HerokuMigrator.Catalog;
using Npgsql;

namespace HerokuMigrator.Readiness;

internal sealed class TablesCopiedWhole : IReadinessCheck
{
    /// <summary>What a copy within one region carries at the least.</summary>
    private const long BytesPerSecond = 20 << 20;

    /// <summary>Of writes held back, for these tables alone, that an application hardly notices.</summary>
    internal const int BearableSeconds = 3;

    /// <summary>The unique indexes of these tables: the reason why each is no key is in the plan.</summary>
    private const string IndexesSql = """
        SELECT i.indrelid, n.nspname, c.relname, i.indisvalid AND i.indislive, i.indimmediate, i.indpred IS NOT NULL OR i.indexprs IS NOT NULL,
               ARRAY(SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY k(num, at)
                     JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.num WHERE k.at <= i.indnkeyatts ORDER BY k.at)
        FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE i.indisunique AND i.indrelid = ANY ($1::bigint[]::oid[]) ORDER BY i.indrelid, i.indisprimary DESC, i.indnkeyatts, i.indexrelid
        """;

    /// <summary>At the most, unless the way to the source is slow.</summary>
    internal static long CopySeconds(long bytes) => Math.Max(1, bytes / BytesPerSecond);

    public string Id => nameof(TablesCopiedWhole);

    public string Group => CheckGroup.Schema;

    public string Title => "Every table has a key to replay changes by";

    private sealed record Index(uint Table, string Name, bool Valid, bool Immediate, bool OnPart, IReadOnlyList<string> Columns);

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        var whole = context.Catalog.Tables.Where(table => table.Mode == TransferMode.CopiedWhole).OrderByDescending(table => table.Bytes).ToList();
        if (whole.Count == 0)
        {
            return Finding.Pass("Changes of every table are replayed by key.");
        }

        await using var source = await context.OpenSourceAsync(cancellationToken);
        var indexes = await ReadIndexesAsync(source, whole, cancellationToken);
        var bytes = whole.Sum(table => table.Bytes);
        var seconds = CopySeconds(bytes);
        var names = whole.ConvertAll(table => table.QualifiedName);
        var text = $"{FindingText.Count(whole.Count, "table is", "tables are")} copied whole, {FindingText.Bytes(bytes)} in all: "
            + FindingText.Several(whole.ConvertAll(table => $"{table} ({FindingText.Bytes(table.Bytes)}; {table.ModeReason})")) + ".";
        var reason = $"They are copied once at the start, and those of them that are written meanwhile again during the switch, while writes are held back: up to {seconds} s at {FindingText.Bytes(BytesPerSecond)} a second.";
        var remedy = "-- on the source, before the start; refused where rows are double or NULL, and an ADD PRIMARY KEY holds the table's users back while it builds the index:\n"
            + FindingText.Statements(whole.Select(table => Mend(table, [.. indexes[table.Oid]])).OfType<string>().DefaultIfEmpty("-- empty the big ones of what is not needed"))
            + "\n-- or choose at the start: -KeylessTable Skip leaves their rows out, -KeylessTable Refuse ends it where there are such tables";
        if (seconds <= BearableSeconds)
        {
            return FindingText.Note(text, reason, names) with { Remedy = remedy };
        }

        var timeout = new SwitchOptions().TimeoutSeconds;
        return Finding.Warning(text, seconds < timeout ? reason : $"{reason} The switch gives up after {timeout} s unless -TimeoutSec is larger.", remedy, names);
    }

    private static async Task<ILookup<uint, Index>> ReadIndexesAsync(NpgsqlConnection source, IReadOnlyList<TableInfo> tables, CancellationToken cancellationToken)
    {
        var rows = await source.ListAsync(
            IndexesSql,
            row => new Index(row.GetFieldValue<uint>(0), SqlName.Qualify(row.GetString(1), row.GetString(2)), row.GetBoolean(3), row.GetBoolean(4), row.GetBoolean(5), row.GetFieldValue<string[]>(6)),
            cancellationToken,
            tables.Select(table => (long)table.Oid).ToArray());
        return rows.ToLookup(row => row.Table);
    }

    /// <summary>The statement that would give the table a key, as far as the catalog lets one guess; null where only its owner can tell.</summary>
    private static string? Mend(TableInfo table, IReadOnlyList<Index> indexes)
    {
        if (table.HasInheritors || TransferPlan.NameProblem(table) is not null)
        {
            return null;
        }

        foreach (var index in indexes.Where(index => !index.OnPart && index.Columns.Count > 0))
        {
            var columns = index.Columns.Select(name => table.Columns.First(column => column.Name == name)).ToList();
            if (!columns.TrueForAll(TransferPlan.IsFaithful))
            {
                continue;
            }

            var nullable = columns.FindAll(column => !column.NotNull);
            return !index.Valid ? $"REINDEX INDEX CONCURRENTLY {index.Name}"
                : nullable.Count > 0 ? $"ALTER TABLE {table} {string.Join(", ", nullable.Select(column => $"ALTER COLUMN {SqlName.Quote(column.Name)} SET NOT NULL"))}"
                : !index.Immediate ? $"CREATE UNIQUE INDEX CONCURRENTLY ON {table} ({SqlName.List(index.Columns)})"
                : null;
        }

        return Guess(table) is { Count: > 0 } guess ? $"ALTER TABLE {table} ADD PRIMARY KEY ({SqlName.List(guess)})" : null;
    }

    /// <summary>An id that nobody made a key, or the two references of a join table.</summary>
    private static List<string> Guess(TableInfo table)
    {
        var plain = table.Columns.Where(column => !column.Generated && TransferPlan.IsFaithful(column)).ToList();
        if (plain.Exists(column => column.Name == "id"))
        {
            return ["id"];
        }

        var references = plain.FindAll(column => column.Name.EndsWith("_id", StringComparison.Ordinal)).ConvertAll(column => column.Name);
        return references.Count == 2 && table.Columns.Count == 2 ? references : [];
    }
}
