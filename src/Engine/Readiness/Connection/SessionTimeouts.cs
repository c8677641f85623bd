using Npgsql;

namespace HerokuMigrator.Readiness;

internal sealed class SessionTimeouts : IReadinessCheck
{
    /// <summary>Those that the migration cannot switch off when it connects, as older servers do not know them: since PostgreSQL 14 and 17.</summary>
    private const string Sql = """
        SELECT name, setting || coalesce(' ' || unit, '') FROM pg_settings WHERE name IN ('idle_session_timeout', 'transaction_timeout') AND setting <> '0' ORDER BY 1
        """;

    public string Id => nameof(SessionTimeouts);

    public string Group => CheckGroup.Connection;

    public string Title => "No server ends sessions that idle, or transactions that are long";

    private sealed record Limit(string Side, string Setting, string Value, string Remedy);

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        var limits = await ReadAsync("source", context.OpenSourceAsync, cancellationToken);
        limits.AddRange(await ReadAsync("target", context.OpenTargetAsync, cancellationToken));
        return limits.Count == 0
            ? Finding.Pass("Neither server ends sessions that idle, or transactions that are long.")
            : Finding.Warning(
                $"Sessions of the migration are cut short: {FindingText.Several(limits.ConvertAll(limit => $"{limit.Setting} is {limit.Value} on the {limit.Side}"))}.",
                "Bucardo's sessions, and the one that holds the migration's lock, idle for long; the copy of a big table is one long transaction.",
                string.Join('\n', limits.Select(limit => limit.Remedy)),
                limits.ConvertAll(limit => $"{limit.Setting} ({limit.Side})"));
    }

    private static async Task<List<Limit>> ReadAsync(string side, Func<CancellationToken, Task<NpgsqlConnection>> open, CancellationToken cancellationToken)
    {
        await using var connection = await open(cancellationToken);
        var set = await connection.ListAsync(Sql, row => (Name: row.GetString(0), Value: row.GetString(1)), cancellationToken);
        if (set.Count == 0)
        {
            return [];
        }

        var (role, database) = (await CatalogQuestions.RoleAsync(connection, cancellationToken), await CatalogQuestions.DatabaseAsync(connection, cancellationToken));
        return set.ConvertAll(one => new Limit(side, one.Name, one.Value, $"ALTER ROLE {role} IN DATABASE {database} SET {one.Name} = 0; -- on the {side}"));
    }
}
