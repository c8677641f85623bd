using System.Globalization;
using HerokuMigrator.Capture;
using HerokuMigrator.Catalog;

namespace HerokuMigrator.Verification;

/// <summary>
/// The statements of one table's comparison, the same on both sides. Rows become text as the servers write it under pinned settings
/// (see <see cref="Operations.MigrationSession.PinnedSettings"/>), columns in the order of the plan; a NULL and an empty text differ in a record's text.
/// hashtextextended gives the same number from 11 on, whatever the collation, as it is told one that compares bytes.
/// </summary>
internal sealed class ComparisonSql(TableInfo table)
{
    /// <summary>Values longer than this are told by their beginning and their MD5.</summary>
    public const int LongestValue = 4000;

    public TableInfo Table => table;

    public bool HasKey => table.Key.Count > 0;

    public IReadOnlyList<ColumnInfo> Columns => table.Columns;

    private IEnumerable<ColumnInfo> KeyColumns => table.Key.Select(name => table.Columns.First(column => column.Name == name));

    private string Hash => $"hashtextextended(ROW({string.Join(", ", table.Columns.Select(Value))})::text COLLATE \"C\", 0)";

    /// <summary>Stays the same while a row's other columns change. Rows without a key go by all that they are.</summary>
    private string Bucket(int buckets) => string.Create(CultureInfo.InvariantCulture, $"(({(HasKey ? KeyHash : Hash)}) & {buckets - 1})::integer");

    private string KeyHash => table.Key.Count == 1
        ? $"hashtextextended(t.{SqlName.Quote(table.Key[0])}::text COLLATE \"C\", 1)"
        : $"hashtextextended(ROW({string.Join(", ", table.Key.Select(column => "t." + SqlName.Quote(column)))})::text COLLATE \"C\", 1)";

    private string From => $"FROM ONLY {table.QualifiedName} t";

    private string Delta => CaptureNames.InBucardo(CaptureNames.For(table).Delta);

    /// <summary>Rows and sum of hashes.</summary>
    public string Sum(string condition) => $"SELECT count(*), coalesce(sum({Hash}), 0)::text {From} WHERE {condition}";

    /// <summary>The same for each bucket.</summary>
    public string SumOfBuckets(int buckets, string condition) =>
        $"SELECT {Bucket(buckets)}, count(*), sum({Hash})::text {From} WHERE {condition} GROUP BY 1";

    /// <summary>Keys and hashes of the rows in the buckets of $1; without a key an empty one.</summary>
    public string RowsOfBuckets(int buckets, string condition) =>
        $"SELECT ARRAY[{string.Join(", ", table.Key.Select(column => $"t.{SqlName.Quote(column)}::text"))}]::text[], {Hash} {From} WHERE {condition} AND {Bucket(buckets)} = ANY ($1)";

    public string ConditionOf(ComparedChunk chunk)
    {
        if (chunk.IsWholeTable)
        {
            return "true";
        }

        var column = KeyColumns.First();
        var name = "t." + SqlName.Quote(column.Name);
        return string.Join(" AND ", new[]
        {
            chunk.From is null ? null : $"{name} >= {SqlName.Literal(chunk.From)}::{column.Type}",
            chunk.To is null ? null : $"{name} < {SqlName.Literal(chunk.To)}::{column.Type}",
        }.OfType<string>());
    }

    public static string ConditionOfBlocks(long first, long? end) => string.Create(
        CultureInfo.InvariantCulture, $"t.ctid >= '({first},0)'::tid{(end is null ? "" : $" AND t.ctid < '({end},0)'::tid")}");

    /// <summary>
    /// For each key of the parameters, in one snapshot of the source: whether a change of it is not on the target yet, which version of the row is there, and its hash.
    /// The two are null where there is no row.
    /// </summary>
    public string LookAtSource => $"""
        SELECT k.n, EXISTS (SELECT FROM bucardo.bucardo_truncate_trigger x WHERE x.tablename = {table.Oid.ToString(CultureInfo.InvariantCulture)}::oid AND x.replicated IS NULL) OR EXISTS (
            SELECT FROM {Delta} d WHERE {Same("d")} AND NOT EXISTS (
                SELECT FROM {CaptureNames.InBucardo(CaptureNames.For(table).Track)} m WHERE m.txntime = d.txntime AND m.target = '{CaptureNames.TrackTarget}')),
            r.version, r.hash
        FROM {Keys} LEFT JOIN LATERAL (SELECT t.xmin::text || t.ctid::text AS version, {Hash} AS hash {From} WHERE {Same("t")} LIMIT 1) r ON true
        """;

    /// <summary>The same of the target, where nothing is pending.</summary>
    public string LookAtTarget => $"SELECT k.n, false, NULL::text, r.hash FROM {Keys} LEFT JOIN LATERAL (SELECT {Hash} AS hash {From} WHERE {Same("t")} LIMIT 1) r ON true";

    /// <summary>For each key: the beginnings of all columns' values, and their MD5s; null where there is no row.</summary>
    public string Values => $"SELECT k.n, r.beginnings, r.marks FROM {Keys} LEFT JOIN LATERAL (SELECT {ValueArrays} {From} WHERE {Same("t")} LIMIT 1) r ON true";

    /// <summary>The same by hash, for rows without a key: one row of each hash of $1.</summary>
    public string ValuesByHash => $"SELECT DISTINCT ON ({Hash}) {Hash}, {ValueArrays} {From} WHERE {Hash} = ANY ($1)";

    /// <summary>Notes the keys as changed, as capture would. A key that capture would not take marks the table to be copied again instead.</summary>
    public IEnumerable<string> Replay
    {
        get
        {
            var awkward = CaptureSql.AwkwardKey(table, "r");
            var keys = string.Join(", ", KeyColumns.Select((column, at) => $"k.c{at}::{column.Type} AS {SqlName.Quote(column.Name)}"));
            var columns = SqlName.List(table.Key);
            yield return $"INSERT INTO {Delta} ({columns}) SELECT {columns} FROM (SELECT {keys} FROM {Keys}) r{(awkward is null ? "" : $" WHERE NOT ({awkward})")}";
            if (awkward is not null)
            {
                yield return $"""
                    INSERT INTO heroku_migrator.recopy (schema_name, table_name) SELECT {SqlName.Literal(table.Schema)}, {SqlName.Literal(table.Name)}
                    WHERE EXISTS (SELECT FROM (SELECT {keys} FROM {Keys}) r WHERE {awkward})
                    """;
            }
        }
    }

    /// <summary>The keys as parameters of <see cref="LookAtSource"/> and its like: their numbers, then one array of texts a column.</summary>
    public static object[] Parameters(IReadOnlyList<RowKey> keys) =>
    [
        Enumerable.Range(0, keys.Count).ToArray(),
        .. Enumerable.Range(0, keys.Count == 0 ? 0 : keys[0].Values.Count).Select(column => keys.Select(key => key.Values[column]).ToArray()),
    ];

    private string Keys => $"unnest($1::integer[], {string.Join(", ", table.Key.Select((_, at) => $"${at + 2}::text[]"))}) k(n, {string.Join(", ", table.Key.Select((_, at) => $"c{at}"))})";

    private string ValueArrays =>
        $"ARRAY[{string.Join(", ", table.Columns.Select(column => $"left({Value(column)}::text, {LongestValue})"))}]::text[] AS beginnings, "
        + $"ARRAY[{string.Join(", ", table.Columns.Select(column => $"md5({Value(column)}::text)"))}]::text[] AS marks";

    private string Same(string row) => string.Join(" AND ", KeyColumns.Select((column, at) => $"{row}.{SqlName.Quote(column.Name)} = k.c{at}::{column.Type}"));

    /// <summary>Servers from 16 on write a "char" above 127 in another way than older ones.</summary>
    private static string Value(ColumnInfo column) =>
        column is { BaseTypeName: "char", BaseTypeKind: 'b' } ? $"t.{SqlName.Quote(column.Name)}::\"char\"::integer" : "t." + SqlName.Quote(column.Name);
}
