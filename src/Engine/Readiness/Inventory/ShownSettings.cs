using Npgsql;

namespace HerokuMigrator.Readiness;

/// <summary>One setting of a server.</summary>
/// <param name="Shown">As SHOW prints it, with its unit.</param>
/// <param name="IsDefault">It stands as the server was built.</param>
internal sealed record ShownSetting(string Shown, bool IsDefault);

/// <summary>The settings of a server that mean something for its applications.</summary>
internal static class ShownSettings
{
    /// <summary>
    /// Left out: where things lie and how a server is reached, who it is, what our own driver sets, and what describes a moment or a machine.
    /// </summary>
    private const string Sql = """
        SELECT name, current_setting(name), reset_val IS NOT DISTINCT FROM boot_val
        FROM pg_settings
        WHERE category NOT IN ('File Locations', 'Reporting and Logging / Process Title', 'Customized Options')
          AND name !~ '(_file|_dir|_directory|_directories|_command|_conninfo|_path|_library)$'
          AND name NOT IN (
            'port', 'listen_addresses', 'unix_socket_group', 'unix_socket_permissions', 'bonjour', 'bonjour_name', 'cluster_name', 'event_source',
            'server_version', 'server_version_num', 'application_name', 'client_encoding', 'search_path', 'log_line_prefix', 'log_filename', 'log_destination',
            'primary_slot_name', 'synchronous_standby_names', 'in_hot_standby', 'transaction_isolation', 'transaction_read_only', 'transaction_deferrable',
            'session_authorization', 'is_superuser', 'role', 'seed', 'debug_assertions', 'data_directory_mode', 'shared_memory_size', 'shared_memory_size_in_huge_pages',
            'lc_messages', 'log_timezone', 'syslog_ident', 'syslog_facility')
        """;

    /// <param name="connection">A session with nothing set in it.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public static async Task<IReadOnlyDictionary<string, ShownSetting>> ReadAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var rows = await connection.ListAsync(
            Sql, row => (Name: row.GetString(0), Setting: new ShownSetting(row.IsDBNull(1) ? "" : row.GetString(1), row.GetBoolean(2))), cancellationToken);
        return rows.ToDictionary(row => row.Name, row => row.Setting, StringComparer.Ordinal);
    }
}

/// <summary>Settings whose values differ.</summary>
internal static class SettingDifferences
{
    /// <summary>A setting that one side does not know, and that stands as built on the other, tells only of the versions.</summary>
    public static IReadOnlyList<InventorySetting> Between(IReadOnlyDictionary<string, ShownSetting> source, IReadOnlyDictionary<string, ShownSetting> target) =>
    [
        .. source.Keys.Union(target.Keys, StringComparer.Ordinal).Order(StringComparer.Ordinal)
            .Select(name => (Name: name, Source: source.GetValueOrDefault(name), Target: target.GetValueOrDefault(name)))
            .Where(setting => setting.Source is null || setting.Target is null
                ? !(setting.Source ?? setting.Target)!.IsDefault
                : setting.Source.Shown != setting.Target.Shown)
            .Select(setting => new InventorySetting(setting.Name, setting.Source?.Shown, setting.Target?.Shown)),
    ];
}
