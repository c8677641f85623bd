using Npgsql;

namespace HerokuMigrator.Readiness;

/// <summary>A server setting as sessions without settings of their own have it.</summary>
internal sealed record ServerSetting(string Name, string Value, string Unit, string Context, string Origin)
{
    /// <summary>Given by an ALTER DATABASE or ALTER ROLE; what stands there for all roles of all databases is the server's.</summary>
    public bool IsOfDatabaseOrRole => Origin is "database" or "user" or "database user";

    /// <summary>The times and sizes of zero say "off" or "none".</summary>
    public bool IsZero => Value == "0";

    public override string ToString() => Unit.Length > 0 && !IsZero ? $"{Value} {Unit}" : Value.Length == 0 ? "empty" : Value;
}

/// <summary>
/// The settings that an application meets, connecting as the migration does: by the server, the database and the role.
/// The migration's own sessions have settings of their own, so others are opened for this, one a side.
/// </summary>
internal sealed record ServerSettings(IReadOnlyDictionary<string, ServerSetting> Source, IReadOnlyDictionary<string, ServerSetting> Target)
{
    public static Task<ServerSettings> OnceAsync(ReadinessContext context, CancellationToken cancellationToken) =>
        context.OnceAsync("server settings", ReadAsync, cancellationToken);

    private static async Task<ServerSettings> ReadAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = context.Session.SourceSettings.CreateDataSource("heroku-migrator settings", adjust: builder => builder.Pooling = false);
        await using var target = context.Session.TargetSettings.CreateDataSource("heroku-migrator settings", adjust: builder => builder.Pooling = false);
        return new ServerSettings(await ReadAsync(source, cancellationToken), await ReadAsync(target, cancellationToken));
    }

    private static async Task<IReadOnlyDictionary<string, ServerSetting>> ReadAsync(NpgsqlDataSource dataSource, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        var all = await connection.ListAsync(
            "SELECT name, setting, coalesce(unit, ''), context, source FROM pg_catalog.pg_settings",
            row => new ServerSetting(row.GetString(0), row.IsDBNull(1) ? "" : row.GetString(1), row.GetString(2), row.GetString(3), row.GetString(4)),
            cancellationToken);
        return all.ToDictionary(setting => setting.Name, StringComparer.Ordinal);
    }
}
