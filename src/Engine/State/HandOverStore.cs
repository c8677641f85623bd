using System.Text.Json;
using Npgsql;

namespace HerokuMigrator.State;

/// <summary>The part of the state that a face and the worker talk through.</summary>
internal static class HandOverStore
{
    private const int SamplesKeptDays = 30;

    /// <summary>Null where the target has no state of any migration.</summary>
    public static async Task<HandOverView?> ReadAsync(NpgsqlConnection target, CancellationToken cancellationToken)
    {
        if (!await target.ScalarAsync<bool>("SELECT to_regclass('heroku_migrator.migration') IS NOT NULL", cancellationToken))
        {
            return null;
        }

        var rows = await target.ListAsync(
            "SELECT phase, handover::text, handover_error::text, progress::text, extract(epoch FROM clock_timestamp() - progress_at)::float8 FROM heroku_migrator.migration",
            row => new HandOverView(
                Enum.Parse<MigrationPhase>(row.GetString(0)), Parse<HandOver>(row, 1), Parse<HandOverError>(row, 2), Parse<SavedProgress>(row, 3), row.IsDBNull(4) ? null : row.GetDouble(4)),
            cancellationToken);
        return rows.SingleOrDefault();
    }

    public static Task SaveAsync(NpgsqlConnection target, HandOver handOver, CancellationToken cancellationToken) =>
        target.ExecuteAsync("UPDATE heroku_migrator.migration SET handover = $1::jsonb, handover_error = NULL", cancellationToken, JsonSerializer.Serialize(handOver));

    /// <summary>False where another hand-over has taken this one's place.</summary>
    public static async Task<bool> TakeAsync(NpgsqlConnection target, HandOver handOver, CancellationToken cancellationToken) =>
        await target.ExecuteAsync(
            "UPDATE heroku_migrator.migration SET handover = $1::jsonb WHERE handover ->> 'Id' = $2", cancellationToken, JsonSerializer.Serialize(handOver), handOver.Id) == 1;

    /// <param name="target">A connection to the target.</param>
    /// <param name="id">The hand-over's; another one is left alone.</param>
    /// <param name="error">Null: it ended well.</param>
    /// <param name="cancellationToken">Nothing is changed where it comes first.</param>
    public static Task EndAsync(NpgsqlConnection target, string id, HandOverError? error, CancellationToken cancellationToken) =>
        target.ExecuteAsync(
            "UPDATE heroku_migrator.migration SET handover = NULL, handover_error = $2::jsonb WHERE handover ->> 'Id' = $1",
            cancellationToken, id, error is null ? null : JsonSerializer.Serialize(error));

    /// <summary>
    /// Tells how far it is; changes no indexed column, so that the row's page can be used again (HOT). Returns what starts were given by now,
    /// so that a later start can change it under way; null where another hand-over has taken this one's place.
    /// </summary>
    public static async Task<StartOptions?> TellAsync(NpgsqlConnection target, string? id, SavedProgress progress, CancellationToken cancellationToken)
    {
        var options = await target.ListAsync(
            """
            UPDATE heroku_migrator.migration SET progress = $1::jsonb, progress_at = clock_timestamp()
            WHERE $2::text IS NULL OR handover ->> 'Id' = $2 RETURNING coalesce(options::text, '{}')
            """,
            row => row.GetString(0), cancellationToken, JsonSerializer.Serialize(progress), id);
        return options.Count == 0 ? null : JsonSerializer.Deserialize<StartOptions>(options[0]);
    }

    /// <summary>
    /// One line of the history. What is older than an hour is thinned out to one a minute, the replication's older than a day to one a quarter of an hour;
    /// after a month it is forgotten: some 4,300 lines beside those of the copy.
    /// </summary>
    public static async Task SampleAsync(
        NpgsqlConnection target, long? copiedBytes, long? copiedRows, long? backlogRows, double? lagSeconds, string? throttle, CancellationToken cancellationToken)
    {
        await target.ExecuteAsync(
            """
            INSERT INTO heroku_migrator.sample (phase, copied_bytes, copied_rows, backlog_rows, lag_seconds, throttle)
            SELECT phase, $1, $2, $3, $4, $5 FROM heroku_migrator.migration
            """,
            cancellationToken, copiedBytes, copiedRows, backlogRows, lagSeconds, throttle);
        await target.ExecuteAsync(
            $"""
            DELETE FROM heroku_migrator.sample WHERE at < now() - interval '{SamplesKeptDays} days'
                OR (at BETWEEN now() - interval '2 hours' AND now() - interval '1 hour' AND EXISTS (
                    SELECT FROM heroku_migrator.sample earlier WHERE earlier.at < sample.at AND earlier.at >= date_trunc('minute', sample.at)))
                OR (at BETWEEN now() - interval '25 hours' AND now() - interval '24 hours' AND copied_bytes IS NULL AND EXISTS (
                    SELECT FROM heroku_migrator.sample earlier WHERE earlier.at < sample.at AND earlier.copied_bytes IS NULL
                        AND earlier.at >= to_timestamp(floor(extract(epoch FROM sample.at) / 900) * 900)))
            """,
            cancellationToken);
    }

    private static T? Parse<T>(NpgsqlDataReader row, int column)
        where T : class => row.IsDBNull(column) ? null : JsonSerializer.Deserialize<T>(row.GetString(column));
}
