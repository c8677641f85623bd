using HerokuMigrator.Catalog;
using Npgsql;

namespace HerokuMigrator.Readiness;

internal sealed class DatabaseSettings : IReadinessCheck
{
    /// <summary>
    /// Database and role settings: role (empty: the database itself; null: the connected role), name, value.
    /// What a role has for all databases counts only for the connected one.
    /// </summary>
    private const string Sql = """
        SELECT CASE WHEN s.setrole = 0 THEN '' WHEN r.rolname <> session_user THEN r.rolname::text END, split_part(o, '=', 1), substr(o, strpos(o, '=') + 1)
        FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = s.setrole CROSS JOIN LATERAL unnest(s.setconfig) o
        WHERE s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database()) OR s.setdatabase = 0 AND r.rolname = session_user
        ORDER BY s.setdatabase
        """;

    /// <summary>Their values are lists of names, and are stored as SQL writes them.</summary>
    private static readonly HashSet<string> Lists = new(StringComparer.OrdinalIgnoreCase)
    {
        "search_path", "temp_tablespaces", "session_preload_libraries", "local_preload_libraries",
    };

    /// <summary>The fence's own, and what would keep the migration from writing.</summary>
    private static readonly HashSet<string> NotCarried = new(StringComparer.OrdinalIgnoreCase) { "default_transaction_read_only", "session_replication_role", "role" };

    /// <summary>Those that the migration's own sessions cannot switch off when they connect; see SessionTimeouts.</summary>
    private static readonly HashSet<string> Cutting = new(StringComparer.OrdinalIgnoreCase) { "idle_session_timeout", "transaction_timeout" };

    public string Id => nameof(DatabaseSettings);

    public string Group => CheckGroup.Schema;

    public string Title => "Settings of the database and its roles";

    internal static bool Carries(string name) => !NotCarried.Contains(name);

    internal static bool CutsSessions(string name) => Cutting.Contains(name);

    private sealed record Setting(string? Role, string Name, string Value)
    {
        public override string ToString() => $"{Name} = {Value}{(Role is null ? " (of the role)" : Role.Length > 0 ? $" (of the role {SqlName.Quote(Role)})" : "")}";
    }

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        await using var target = await context.OpenTargetAsync(cancellationToken);
        var there = await ReadAsync(target, cancellationToken);
        var known = (await target.ListAsync(
                "SELECT name, context IN ('superuser', 'superuser-backend') FROM pg_settings", row => (Name: row.GetString(0), Superuser: row.GetBoolean(1)), cancellationToken))
            .ToDictionary(one => one.Name, one => one.Superuser, StringComparer.OrdinalIgnoreCase);
        var wanted = await ReadAsync(source, cancellationToken);
        var roles = wanted.Select(one => one.Role).OfType<string>().Where(role => role.Length > 0).ToList();
        var absent = await CatalogQuestions.MissingRolesAsync(target, roles, cancellationToken);
        var effective = await ServerSettings.OnceAsync(context, cancellationToken);
        var missing = wanted.Where(one => !there.Contains(one) && Carries(one.Name) && !absent.Contains(one.Role ?? "") && !IsMet(one)
            && (known.ContainsKey(one.Name) || one.Name.Contains('.', StringComparison.Ordinal))).ToList();
        if (missing.Count == 0)
        {
            return Finding.Pass("The target has the settings that the source's database and roles have.");
        }

        var (database, role) = (await CatalogQuestions.DatabaseAsync(target, cancellationToken), await CatalogQuestions.RoleAsync(target, cancellationToken));
        return Finding.Warning(
            $"{FindingText.Count(missing.Count, "setting")} of the source's database or roles {(missing.Count == 1 ? "is" : "are")} not on the target: {FindingText.Several(missing.ConvertAll(one => one.ToString()))}.",
            "They are not carried over. Sessions on the target would find other names by search_path, show other times, wait longer or less. Settings of other roles are compared once the target has these roles.",
            string.Join('\n', new[]
            {
                Statements("-- on the target, before the switch; sessions see them when they connect anew:\n", missing.FindAll(one => !CutsSessions(one.Name))),
                Statements("-- on the target, after the switch only, as sessions of the migration would be cut by them:\n", missing.FindAll(one => CutsSessions(one.Name))),
            }.Where(part => part.Length > 0)),
            [.. missing.Select(one => one.Name).Distinct(StringComparer.Ordinal)]);

        // By the server's own setting, or by that of another kind.
        bool IsMet(Setting one) =>
            one.Role is null or "" && !wanted.Exists(other => one.Role is "" && other.Role is null && other.Name == one.Name)
            && effective.Source.GetValueOrDefault(one.Name) is { IsOfDatabaseOrRole: true } from && effective.Target.GetValueOrDefault(one.Name) is { } to
            && from.Value == to.Value && from.Unit == to.Unit;

        string Statements(string when, List<Setting> settings) => settings.Count == 0 ? "" : when + FindingText.Statements(settings.Select(one =>
            (known.GetValueOrDefault(one.Name, true) ? "/* as a superuser */ " : "")
            + (one.Role is "" ? $"ALTER DATABASE {database}" : $"ALTER ROLE {(one.Role is null ? role : SqlName.Quote(one.Role))} IN DATABASE {database}")
            + $" SET {Name(one.Name)} = {(Lists.Contains(one.Name) && one.Value.Length > 0 ? one.Value : SqlName.Literal(one.Value))}"));
    }

    /// <summary>Where a role has one for the database and one for all, the first counts.</summary>
    private static async Task<List<Setting>> ReadAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var rows = await connection.ListAsync(
            Sql, row => new Setting(row.IsDBNull(0) ? null : row.GetString(0), row.GetString(1), row.GetString(2)), cancellationToken);
        return [.. rows.GroupBy(one => (one.Role, one.Name)).Select(group => group.Last()).OrderBy(one => one.Role != "").ThenBy(one => one.Role, StringComparer.Ordinal).ThenBy(one => one.Name, StringComparer.Ordinal)];
    }

    private static string Name(string name) => string.Join('.', name.Split('.').Select(SqlName.Quote));
}
