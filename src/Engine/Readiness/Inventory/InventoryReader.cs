using HerokuMigrator.Connections;
using HerokuMigrator.Operations;
using Npgsql;

namespace HerokuMigrator.Readiness;

/// <summary>Gathers what an operator must know of both servers before a move.</summary>
internal static class InventoryReader
{
    private const string ClientsSql = """
        SELECT coalesce(usename, '?'), coalesce(application_name, ''), count(*)::int FROM pg_stat_activity
        WHERE datname = current_database() AND (backend_type = 'client backend' OR backend_type IS NULL AND usesysid IS NOT NULL)
          AND coalesce(application_name, '') !~ '^(heroku-migrator|bucardo)( |$)'
        GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2
        """;

    /// <summary>A fixed number of queries, over one session a side with nothing of ours set in it: settings are as an application finds them.</summary>
    public static async Task<ReadinessInventory> ReadAsync(MigrationSession session, CancellationToken cancellationToken)
    {
        await using var sourcePool = Plain(session.SourceSettings);
        await using var targetPool = Plain(session.TargetSettings);
        await using var source = await ConnectionErrors.OpenAsync(sourcePool, "source", session.SourceSettings.Address, cancellationToken);
        await using var target = await ConnectionErrors.OpenAsync(targetPool, "target", session.TargetSettings.Address, cancellationToken);
        return new ReadinessInventory
        {
            SourceVersion = await VersionAsync(source, cancellationToken),
            TargetVersion = await VersionAsync(target, cancellationToken),
            Extensions = await ExtensionsAsync(source, target, cancellationToken),
            Settings = SettingDifferences.Between(await ShownSettings.ReadAsync(source, cancellationToken), await ShownSettings.ReadAsync(target, cancellationToken)),
            Clients = await source.ListAsync(ClientsSql, row => new InventoryClient(row.GetString(0), row.GetString(1), row.GetInt32(2)), cancellationToken),
        };
    }

    private static NpgsqlDataSource Plain(ConnectionSettings settings) =>
        settings.CreateDataSource("heroku-migrator inventory", new Dictionary<string, string>(StringComparer.Ordinal) { ["search_path"] = "pg_catalog" }, builder => builder.MaxPoolSize = 1);

    private static async Task<string> VersionAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        (await connection.ScalarAsync<string>("SELECT version()", cancellationToken))!;

    private static async Task<IReadOnlyList<InventoryExtension>> ExtensionsAsync(NpgsqlConnection source, NpgsqlConnection target, CancellationToken cancellationToken)
    {
        var present = await source.ListAsync(
            "SELECT e.extname, e.extversion, n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace ORDER BY 1",
            row => (Name: row.GetString(0), Version: row.GetString(1), Schema: row.GetString(2)),
            cancellationToken);
        var there = (await target.ListAsync(
            "SELECT name, coalesce(installed_version, default_version) FROM pg_available_extensions WHERE name = ANY ($1)",
            row => (Name: row.GetString(0), Version: row.IsDBNull(1) ? null : row.GetString(1)),
            cancellationToken,
            [present.Select(extension => extension.Name).ToArray()])).ToDictionary(extension => extension.Name, extension => extension.Version, StringComparer.Ordinal);
        return [.. present.Select(extension => new InventoryExtension(extension.Name, extension.Version, extension.Schema, there.GetValueOrDefault(extension.Name)))];
    }
}
