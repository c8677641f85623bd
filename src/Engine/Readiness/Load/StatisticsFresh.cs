using HerokuMigrator.Catalog;

namespace HerokuMigrator.Readiness;

internal sealed class StatisticsFresh : IReadinessCheck
{
    /// <summary>The time of the last ANALYZE is lost when a server crashes, reltuples is not: -1 since PostgreSQL 14 where there was none ever, 0 before.</summary>
    private const string Sql = $"""
        SELECT c.oid, CASE WHEN current_setting('server_version_num')::int >= 140000 THEN c.reltuples < 0
                           ELSE c.reltuples = 0 AND c.relpages = 0 AND coalesce(pg_stat_get_last_analyze_time(c.oid), pg_stat_get_last_autoanalyze_time(c.oid)) IS NULL END,
               pg_stat_get_mod_since_analyze(c.oid) > 10000 + 0.5 * greatest(c.reltuples, 0)
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind = 'r' AND {UserObjects.RelationFilter}
        """;

    public string Id => nameof(StatisticsFresh);

    public string Group => CheckGroup.Load;

    public string Title => "The source's tables are analysed, so that estimates can be trusted";

    /// <summary>Smaller tables change no estimate.</summary>
    internal long LeastBytes { get; init; } = 1 << 20;

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        var tables = context.Catalog.Tables.Where(table => table.Bytes >= LeastBytes).ToDictionary(table => table.Oid);
        await using var source = await context.OpenSourceAsync(cancellationToken);
        var stale = (await source.ListAsync(Sql, row => (Oid: row.GetFieldValue<uint>(0), Never: row.GetBoolean(1), Old: row.GetBoolean(2)), cancellationToken))
            .Where(one => (one.Never || one.Old) && tables.ContainsKey(one.Oid))
            .Select(one => (Table: tables[one.Oid], one.Never))
            .OrderByDescending(one => one.Table.Bytes).ToList();
        return stale.Count == 0
            ? Finding.Pass($"Every table of {FindingText.Bytes(LeastBytes)} or more was analysed, and not more than half of it was changed since.")
            : FindingText.Note(
                $"{FindingText.Count(stale.Count, "table was", "tables were")} never analysed, or changed by more than half since: {FindingText.Several(stale.ConvertAll(one => $"{one.Table.QualifiedName} ({(one.Never ? "never" : "changed")})"))}.",
                "Numbers of rows, and all estimates that are made from them, are guesses for these tables.",
                stale.ConvertAll(one => one.Table.QualifiedName)) with { Remedy = FindingText.Statements(stale.Select(one => $"ANALYZE {one.Table.QualifiedName}")) };
    }
}
