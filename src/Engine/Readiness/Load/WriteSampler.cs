using HerokuMigrator.Catalog;

namespace HerokuMigrator.Readiness;

/// <summary>Reads the source's counters twice.</summary>
internal static class WriteSampler
{
    private static readonly TimeSpan Between = TimeSpan.FromSeconds(3);

    private const double ShortestMeanSeconds = 3600;

    /// <summary>By the functions below the statistics views, which would group all indexes.</summary>
    private const string CountersSql = $"""
        SELECT c.oid, pg_stat_get_tuples_inserted(c.oid) + pg_stat_get_tuples_updated(c.oid) + pg_stat_get_tuples_deleted(c.oid)
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind = 'r' AND {UserObjects.RelationFilter}
        """;

    private const string ClockSql = """
        SELECT extract(epoch FROM clock_timestamp())::float8, extract(epoch FROM clock_timestamp() - pg_stat_get_db_stat_reset_time(oid))::float8,
               current_setting('track_counts')::bool
        FROM pg_database WHERE datname = current_database()
        """;

    private sealed record Reading(double At, double? SinceReset, bool Counted, Dictionary<uint, long> Changes);

    public static async Task<WriteSample> TakeAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        var before = await ReadAsync(context, cancellationToken);
        await Task.Delay(Between, cancellationToken);
        var after = await ReadAsync(context, cancellationToken);
        var seconds = Math.Max(0.001, after.At - before.At);
        var now = after.Changes
            .Select(table => (Table: table.Key, Rows: table.Value - before.Changes.GetValueOrDefault(table.Key)))
            .Where(table => table.Rows > 0)
            .ToDictionary(table => table.Table, table => table.Rows / seconds);
        var over = after.SinceReset >= ShortestMeanSeconds ? after.SinceReset : null;
        var mean = over is null ? [] : after.Changes.Where(table => table.Value > 0).ToDictionary(table => table.Key, table => table.Value / over.Value);
        return new WriteSample
        {
            Seconds = seconds,
            RowsPerSecond = now.Values.Sum(),
            RowsPerSecondOf = now,
            MeanRowsPerSecond = over is null ? null : mean.Values.Sum(),
            MeanRowsPerSecondOf = mean,
            MeanSeconds = over,
            Counted = after.Counted,
        };
    }

    private static async Task<Reading> ReadAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        var (at, sinceReset, counted) = (await source.ListAsync(
            ClockSql, row => (row.GetDouble(0), row.IsDBNull(1) ? (double?)null : row.GetDouble(1), row.GetBoolean(2)), cancellationToken)).Single();
        var changes = await source.ListAsync(CountersSql, row => (Table: row.GetFieldValue<uint>(0), Rows: row.GetInt64(1)), cancellationToken);
        return new Reading(at, sinceReset, counted, changes.ToDictionary(table => table.Table, table => table.Rows));
    }
}
