using System.Text.Json;
using HerokuMigrator.Operations;
using Npgsql;

namespace HerokuMigrator.History;

/// <summary>What readiness found when the migration was begun, in the state.</summary>
internal static class StartReadiness
{
    public static async Task SaveAsync(MigrationSession session, ReadinessReport report, CancellationToken cancellationToken)
    {
        await using var target = await session.OpenTargetAsync(cancellationToken);
        await target.ExecuteAsync("UPDATE heroku_migrator.migration SET readiness = $1::jsonb", cancellationToken, JsonSerializer.Serialize(report));
    }

    /// <summary>Null where it was not kept.</summary>
    public static async Task<ReadinessReport?> ReadAsync(NpgsqlConnection target, CancellationToken cancellationToken) =>
        await target.ScalarAsync<string>("SELECT readiness::text FROM heroku_migrator.migration", cancellationToken) is { } json ? JsonSerializer.Deserialize<ReadinessReport>(json) : null;
}
