using HerokuMigrator.Catalog;

namespace HerokuMigrator.Readiness;

internal sealed class CaptureBypassed : IReadinessCheck
{
    private const string SubscriptionsSql =
        "SELECT subname FROM pg_subscription WHERE subenabled AND subdbid = (SELECT oid FROM pg_database WHERE datname = current_database()) ORDER BY 1";

    /// <summary>What a session begins with where such a default is set; the role or the database may be that of another one.</summary>
    private const string DefaultsSql = """
        SELECT r.rolname, d.datname FROM pg_db_role_setting s
        LEFT JOIN pg_roles r ON r.oid = s.setrole LEFT JOIN pg_database d ON d.oid = s.setdatabase
        WHERE 'session_replication_role=replica' = ANY (s.setconfig) AND (s.setdatabase = 0 OR d.datname = current_database()) ORDER BY 1, 2
        """;

    private const string RoutinesSql = $"""
        SELECT n.nspname, p.proname, pg_get_function_identity_arguments(p.oid) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE (p.prosrc ~* 'disable\s+trigger|session_replication_role' OR p.proconfig::text ~* 'session_replication_role') AND {UserObjects.RoutineFilter} ORDER BY 1, 2, 3
        """;

    public string Id => nameof(CaptureBypassed);

    public string Group => CheckGroup.Schema;

    public string Title => "Nothing writes to the source past its triggers";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        var subscriptions = await source.ListAsync(SubscriptionsSql, row => SqlName.Quote(row.GetString(0)), cancellationToken);
        var defaults = await source.ListAsync(DefaultsSql, row => Target(row.IsDBNull(0) ? null : row.GetString(0), row.IsDBNull(1) ? null : row.GetString(1)), cancellationToken);
        if (subscriptions.Count + defaults.Count > 0)
        {
            return Finding.Blocked(
                "Rows of the source are written without firing its triggers: "
                + FindingText.Several([.. subscriptions.Select(name => $"by the subscription {name}"), .. defaults.Select(target => $"by session_replication_role = replica, set for {target}")]) + ".",
                "Changes are captured by triggers. What fires none would be missing on the target, and nobody would notice.",
                FindingText.Statements([
                    .. subscriptions.Select(name => $"ALTER SUBSCRIPTION {name} DISABLE"), .. defaults.Select(target => $"ALTER {target} RESET session_replication_role"),
                ]) + "\n-- on the source, with the rights that it takes; sessions that are open keep their setting until they end",
                [.. subscriptions, .. defaults]);
        }

        var routines = await source.ListAsync(RoutinesSql, row => $"{SqlName.Qualify(row.GetString(0), row.GetString(1))}({row.GetString(2)})", cancellationToken);
        return routines.Count == 0
            ? Finding.Pass("Nothing was found that writes to the source without firing its triggers.")
            : Finding.Warning(
                $"{FindingText.Count(routines.Count, "function")} may turn triggers off: {FindingText.Several(routines)}.",
                "Changes are captured by triggers. What is written while they are off would be missing on the target. The same holds for an application that runs ALTER TABLE … DISABLE TRIGGER itself.",
                "Do not call these between the start and the switch, or take what turns triggers off out of them until then.",
                routines);
    }

    /// <summary>As ALTER wants it.</summary>
    private static string Target(string? role, string? database) => (role, database) switch
    {
        (null, null) => "ROLE ALL",
        (null, _) => $"DATABASE {SqlName.Quote(database)}",
        (_, null) => $"ROLE {SqlName.Quote(role)}",
        _ => $"ROLE {SqlName.Quote(role)} IN DATABASE {SqlName.Quote(database)}",
    };
}
