using System.IO.Enumeration;
using HerokuMigrator.Catalog;
using Npgsql;

namespace HerokuMigrator.Verification;

/// <summary>
/// Cuts large tables into ranges of their key, where both servers put its values in the same order and the rows lie about in that order; the bounds are those
/// that the source's statistics have already. What cannot be cut is one chunk.
/// </summary>
internal sealed class ComparisonPlanner(ComparisonOptions options)
{
    /// <summary>Text goes by collations, which the two servers may have in different versions; floats have values that are equal and not the same.</summary>
    private static readonly HashSet<string> OrderedAlike = new(StringComparer.Ordinal) { "int2", "int4", "int8", "numeric", "date", "timestamp", "timestamptz", "uuid" };

    /// <summary>Below it a range of keys lies all over the table, and each chunk would read most of it.</summary>
    private const double LeastCorrelation = 0.9;

    private const string BoundsSql = """
        SELECT schemaname, tablename, attname, histogram_bounds::text::text[] FROM pg_stats
        WHERE NOT inherited AND abs(correlation) >= $4 AND histogram_bounds IS NOT NULL
          AND (schemaname, tablename, attname) IN (SELECT * FROM unnest($1::name[], $2::name[], $3::name[]))
        """;

    /// <summary>Tables in the order of their names; each chunk of theirs is chosen or left out by the sample.</summary>
    public async Task<IReadOnlyList<ComparedTable>> PlanAsync(NpgsqlConnection source, IReadOnlyList<TableInfo> tables, CancellationToken cancellationToken)
    {
        var sizes = await TableSizes.ReadAsync(source, cancellationToken);
        var large = tables.Where(table => table.Key.Count > 0 && sizes.GetValueOrDefault(table.Oid) > 2 * options.ChunkBytes && IsOrderedAlike(table)).ToList();
        var bounds = large.Count == 0
            ? []
            : (await source.ListAsync(
                BoundsSql, row => (Table: (row.GetString(0), row.GetString(1)), Bounds: row.GetFieldValue<string[]>(3)), cancellationToken,
                large.Select(table => table.Schema).ToArray(), large.Select(table => table.Name).ToArray(), large.Select(table => table.Key[0]).ToArray(), LeastCorrelation))
            .ToDictionary(row => row.Table, row => row.Bounds);
        var planned = tables.Select(table => (Table: table, Bytes: sizes.GetValueOrDefault(table.Oid), Chunks: Cut(bounds.GetValueOrDefault((table.Schema, table.Name)), sizes.GetValueOrDefault(table.Oid)))).ToList();
        var selected = Sample([.. planned.SelectMany(plan => plan.Chunks.Select(chunk => (plan.Table.Oid, chunk.Number)))]);
        return [.. planned.Select(plan => new ComparedTable(plan.Table, plan.Bytes, plan.Chunks, selected[plan.Table.Oid].ToHashSet()))];
    }

    /// <summary>Throws where a name fits none: a mistyped one must not look like a table that is equal.</summary>
    public IReadOnlyList<TableInfo> Select(IReadOnlyList<TableInfo> tables)
    {
        foreach (var pattern in options.Tables)
        {
            if (!tables.Any(table => Fits(pattern, table)))
            {
                throw Errors.UnknownTable(pattern);
            }
        }

        return options.Tables.Count == 0 ? tables : [.. tables.Where(table => options.Tables.Any(pattern => Fits(pattern, table)))];
    }

    /// <summary>The name itself first: it may hold what a pattern takes for a sign of its own.</summary>
    private static bool Fits(string pattern, TableInfo table) =>
        new[] { table.Schema + "." + table.Name, table.QualifiedName }.Any(name => pattern == name || FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: false));

    private static bool IsOrderedAlike(TableInfo table) =>
        table.Columns.First(column => column.Name == table.Key[0]) is { BaseTypeKind: 'b' } column && OrderedAlike.Contains(column.BaseTypeName);

    private IReadOnlyList<ComparedChunk> Cut(string[]? bounds, long bytes)
    {
        // The outermost are the least and the greatest value of the statistics, which are old: both ends are open.
        var inner = bounds is { Length: > 2 } ? bounds[1..^1] : [];
        var count = (int)Math.Min(bytes / options.ChunkBytes, inner.Length + 1);
        if (count < 2)
        {
            return [new ComparedChunk(0, null, null, bytes)];
        }

        var cuts = Enumerable.Range(1, count - 1).Select(part => inner[(int)((long)inner.Length * part / count)]).Distinct(StringComparer.Ordinal).ToList();
        return [.. Enumerable.Range(0, cuts.Count + 1).Select(part => new ComparedChunk(part, part == 0 ? null : cuts[part - 1], part == cuts.Count ? null : cuts[part], bytes / (cuts.Count + 1)))];
    }

    private ILookup<uint, int> Sample(IReadOnlyList<(uint Table, int Chunk)> chunks)
    {
        var wanted = options.SamplePercent >= 100 ? chunks.Count : Math.Max(1, (int)Math.Round(chunks.Count * options.SamplePercent / 100));
#pragma warning disable CA5394 // Nothing is protected by it.
        var chosen = wanted >= chunks.Count ? chunks : [.. chunks.OrderBy(_ => Random.Shared.Next()).Take(wanted)];
#pragma warning restore CA5394
        return chosen.ToLookup(chunk => chunk.Table, chunk => chunk.Chunk);
    }
}
