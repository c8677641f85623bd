using HerokuMigrator.Catalog;
using Npgsql;

namespace HerokuMigrator.Readiness;

/// <summary>The large objects of the source.</summary>
/// <param name="Count">Number of them.</param>
/// <param name="Bytes">All of them, reckoned from a sample where there are many; null where none could be measured.</param>
internal sealed record LargeObjectFigures(long Count, double? Bytes)
{
    private const int Sampled = 100;

    public static readonly LargeObjectFigures None = new(0, 0);

    /// <summary>The bytes of their content are in a table of the server that ordinary roles may not read, so some are opened and asked for their length.</summary>
    public static async Task<LargeObjectFigures> ReadAsync(NpgsqlConnection source, CancellationToken cancellationToken)
    {
        var count = await source.ScalarAsync<long>($"SELECT count(*) FROM pg_largeobject_metadata m WHERE {UserObjects.LargeObjectFilter}", cancellationToken);
        if (count == 0)
        {
            return None;
        }

        await using var transaction = await source.BeginTransactionAsync(cancellationToken);
        try
        {
            await source.ExecuteAsync("SET LOCAL lock_timeout = '200ms'; SET LOCAL statement_timeout = '2s'", cancellationToken);
            var mean = await source.ScalarAsync<double>(
                $"""
                SELECT coalesce(avg(lo_lseek64(lo_open(oid, 262144), 0, 2)), 0)::float8
                FROM (SELECT m.oid, row_number() OVER (ORDER BY m.oid) AS at FROM pg_largeobject_metadata m WHERE {UserObjects.LargeObjectFilter}) numbered
                WHERE at % $1::bigint = 0
                """,
                cancellationToken,
                Math.Max(1, count / Sampled));
            return new LargeObjectFigures(count, mean * count);
        }
        catch (PostgresException)
        {
            return new LargeObjectFigures(count, null);
        }
    }

    /// <summary>Their part of the write pause: the fence around them, and the copy.</summary>
    public double PauseSeconds(LinkMeasurement link) => PauseSeconds(Math.Min(link.SourceBytesPerSecond, link.TargetBytesPerSecond) / Pace.SideBySide);

    /// <summary>The same, with what the ways to both servers carry.</summary>
    public double PauseSeconds(double linkBytesPerSecond) =>
        (Count * (Pace.FenceSecondsPerLargeObject + Pace.CopySecondsPerLargeObject)) + ((Bytes ?? 0) / Math.Min(Pace.LargeObjectBytesPerSecond, linkBytesPerSecond));

    public override string ToString() =>
        $"{Words.Count(Count, "large object")}, {(Bytes is { } bytes ? "about " + FindingText.Bytes((long)bytes) : "of a size that could not be measured")}";
}
