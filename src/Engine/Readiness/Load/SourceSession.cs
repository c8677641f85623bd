using System.Globalization;
using Npgsql;

namespace HerokuMigrator.Readiness;

/// <summary>A session of the source that is in the way, in words.</summary>
/// <param name="Seconds">How long its transaction, or its wait, lasts by now; null where that may not be seen.</param>
internal sealed record SourceSession(int Pid, string User, string Application, string State, double? Seconds)
{
    /// <summary>What <see cref="Read"/> reads first, of a pg_stat_activity aliased <c>a</c>; the seconds come after it.</summary>
    public const string Columns = "a.pid, coalesce(a.usename, '?')::text, coalesce(a.application_name, ''), coalesce(a.state, '?')";

    /// <summary>Clients of this database, without this very session. What a role may not see is null.</summary>
    public const string Others = "a.datname = current_database() AND (a.backend_type = 'client backend' OR a.backend_type IS NULL) AND a.pid <> pg_backend_pid()";

    public string Name => string.Create(CultureInfo.InvariantCulture, $"pid {Pid}");

    public string Terminate => string.Create(CultureInfo.InvariantCulture, $"SELECT pg_terminate_backend({Pid})");

    public static SourceSession Read(NpgsqlDataReader row) =>
        new(row.GetInt32(0), row.GetString(1), row.GetString(2), row.GetString(3), row.IsDBNull(4) ? null : row.GetDouble(4));

    /// <summary>"pid 12 (user web, application 'puma', idle in transaction, open for 70 s)".</summary>
    public string Describe(string since = "open for") =>
        string.Create(CultureInfo.InvariantCulture, $"{Name} (user {User}, application '{Application}', {State}{(Seconds is { } seconds ? $", {since} {seconds:0} s" : "")})");

    /// <summary>Whether sessions of other roles can be seen in full.</summary>
    public static Task<bool> SeesAllAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        connection.ScalarAsync<bool>("SELECT pg_has_role('pg_read_all_stats', 'USAGE')", cancellationToken);
}
