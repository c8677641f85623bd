using System.Globalization;
using HerokuMigrator.Catalog;
using Npgsql;

namespace HerokuMigrator.Readiness;

internal sealed class SequencesNearEnd : IReadinessCheck
{
    /// <summary>Reading a sequence locks it until the statement ends, and the server's room for locks is shared with the application.</summary>
    private const int Batch = 500;

    private const double High = 0.9;

    private const double Remarkable = 0.7;

    private const string Sql = """
        WITH fed AS (
            SELECT d.objid AS sequence, d.refobjid AS relid, d.refobjsubid AS attnum FROM pg_depend d
            WHERE d.classid = 'pg_class'::regclass AND d.objid = ANY ($1::int8[]::oid[]) AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
            UNION
            SELECT d.refobjid, ad.adrelid, ad.adnum FROM pg_depend d JOIN pg_attrdef ad ON ad.oid = d.objid
            WHERE d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY ($1::int8[]::oid[])),
        narrowest AS (
            SELECT DISTINCT ON (f.sequence) f.sequence, n.nspname, c.relname, a.attname, CASE b.type WHEN 21 THEN 32767::int8 WHEN 23 THEN 2147483647 END AS most
            FROM fed f JOIN pg_attribute a ON a.attrelid = f.relid AND a.attnum = f.attnum JOIN pg_class c ON c.oid = f.relid JOIN pg_namespace n ON n.oid = c.relnamespace
            JOIN pg_type t ON t.oid = a.atttypid CROSS JOIN LATERAL (SELECT CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END AS type) b
            WHERE b.type IN (21, 23) ORDER BY f.sequence, most)
        SELECT n.nspname, c.relname, s.seqincrement > 0, CASE WHEN s.seqincrement > 0 THEN s.seqmax ELSE s.seqmin END, s.seqcycle,
               CASE WHEN has_sequence_privilege(c.oid, 'SELECT, USAGE') THEN pg_sequence_last_value(c.oid) END, w.nspname, w.relname, w.attname, w.most
        FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN narrowest w ON w.sequence = s.seqrelid
        WHERE s.seqrelid = ANY ($1::int8[]::oid[])
        """;

    /// <param name="Name">The sequence.</param>
    /// <param name="Last">The value that it gave out last.</param>
    /// <param name="Limit">Where it, or the column that it feeds, ends.</param>
    /// <param name="Table">The column's table, where it is the column that ends first.</param>
    private sealed record Use(string Name, bool Ascends, long Last, decimal Limit, string? Table, string? Column)
    {
        public double Share => (double)(Last / Limit);

        public override string ToString() => string.Create(
            CultureInfo.InvariantCulture, $"{Name} at {Last}, {Math.Floor(100 * Share)} % of the {Limit} that {(Table is null ? "it" : $"column {Column} of {Table}")} ends at");

        public IEnumerable<string> Remedy
        {
            get
            {
                if (Table is not null)
                {
                    yield return $"ALTER TABLE {Table} ALTER COLUMN {Column} TYPE bigint";
                }

                yield return $"ALTER SEQUENCE {Name} AS bigint {(Ascends ? "NO MAXVALUE" : "NO MINVALUE")}";
            }
        }
    }

    public string Id => nameof(SequencesNearEnd);

    public string Group => CheckGroup.Data;

    public string Title => "No sequence is near its end";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        await source.ExecuteAsync("SET lock_timeout = '500ms'", cancellationToken);
        var (uses, locked) = (new List<Use>(), 0);
        foreach (var batch in context.Catalog.Sequences.Chunk(Batch))
        {
            try
            {
                var read = await source.ListAsync(Sql, Read, cancellationToken, batch.Select(sequence => (long)sequence.Oid).ToArray());
                uses.AddRange(read.OfType<Use>());
            }
            catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.LockNotAvailable)
            {
                locked += batch.Length;
            }
        }

        var unread = locked == 0 ? "" : $" {FindingText.Count(locked, "sequence")} could not be read, as one of them is locked.";
        var near = uses.Where(use => use.Share >= Remarkable).OrderByDescending(use => use.Share).ToList();
        if (near.Count == 0)
        {
            return locked > 0 ? Finding.Skipped(unread.TrimStart()) : Finding.Pass($"No sequence has used up {Remarkable:0 %} of what it, or the column that it feeds, can hold.");
        }

        var finding = Finding.Warning(
            $"{FindingText.Count(near.Count, "sequence nears its", "sequences near their")} end: {FindingText.Several(near.ConvertAll(use => use.ToString()))}.{unread}",
            "At the end INSERT fails, on the source or after the switch on the target, which goes on from the same value.",
            "-- on the source before the start, or on the target after the switch; a change of a column's type rewrites its table under a lock\n" + FindingText.Statements(near.SelectMany(use => use.Remedy)),
            near.ConvertAll(use => use.Name));
        return near[0].Share >= High ? finding : finding with { Status = CheckStatus.Note };
    }

    /// <summary>Null where the sequence was never used, may not be read, or has no end.</summary>
    private static Use? Read(NpgsqlDataReader row)
    {
        var (ascends, own, cycles) = (row.GetBoolean(2), row.GetInt64(3), row.GetBoolean(4));
        decimal? column = row.IsDBNull(9) ? null : ascends ? row.GetInt64(9) : -row.GetInt64(9) - 1;
        decimal? limit = cycles ? column : column is null || Math.Abs((decimal)own) <= Math.Abs(column.Value) ? own : column;
        if (row.IsDBNull(5) || limit is not { } end || end == 0 || (row.GetInt64(5) < 0) != (end < 0))
        {
            return null;
        }

        // A column of the same range has to grow with its sequence.
        var byColumn = column == end;
        return new Use(
            SqlName.Qualify(row.GetString(0), row.GetString(1)), ascends, row.GetInt64(5), end,
            byColumn ? SqlName.Qualify(row.GetString(6), row.GetString(7)) : null, byColumn ? SqlName.Quote(row.GetString(8)) : null);
    }
}
