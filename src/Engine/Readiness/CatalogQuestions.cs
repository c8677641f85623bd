using HerokuMigrator.Catalog;
using Npgsql;

namespace HerokuMigrator.Readiness;

/// <summary>Questions to a catalog whose answer is a list of names, qualified and quoted as SQL wants them.</summary>
internal static class CatalogQuestions
{
    /// <summary>User relations of which a condition on the pg_class <c>c</c> holds.</summary>
    public static Task<List<string>> RelationsAsync(NpgsqlConnection connection, string condition, CancellationToken cancellationToken) =>
        connection.ListAsync(
            $"""
            SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE {UserObjects.RelationFilter} AND ({condition}) ORDER BY 1, 2
            """,
            row => SqlName.Qualify(row.GetString(0), row.GetString(1)),
            cancellationToken);

    /// <summary>The connected role, quoted.</summary>
    public static async Task<string> RoleAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        SqlName.Quote((await connection.ScalarAsync<string>("SELECT current_user::text", cancellationToken))!);

    /// <summary>The connected database, quoted.</summary>
    public static async Task<string> DatabaseAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        SqlName.Quote((await connection.ScalarAsync<string>("SELECT current_database()::text", cancellationToken))!);

    /// <summary>Those of these roles that the server does not have.</summary>
    public static Task<List<string>> MissingRolesAsync(NpgsqlConnection connection, IReadOnlyCollection<string> roles, CancellationToken cancellationToken) =>
        connection.ListAsync(
            "SELECT DISTINCT r FROM unnest($1::text[]) r WHERE r NOT IN (SELECT rolname FROM pg_roles) ORDER BY 1", row => row.GetString(0), cancellationToken, [roles.ToArray()]);
}
