using HerokuMigrator.Catalog;

namespace HerokuMigrator.Readiness;

internal sealed class TargetDefaultPrivileges : IReadinessCheck
{
    /// <summary>What other roles are given on tables and sequences that the migrating role makes; PUBLIC is the grantee 0.</summary>
    private const string Sql = """
        SELECT CASE a.grantee WHEN 0 THEN NULL ELSE pg_get_userbyid(a.grantee)::text END, n.nspname,
               CASE d.defaclobjtype WHEN 'S' THEN 'SEQUENCES' ELSE 'TABLES' END, string_agg(a.privilege_type, ', ' ORDER BY a.privilege_type)
        FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
        CROSS JOIN LATERAL aclexplode(d.defaclacl) a
        WHERE d.defaclrole = (SELECT oid FROM pg_roles WHERE rolname = current_user) AND d.defaclobjtype IN ('r', 'S') AND a.grantee <> d.defaclrole
          AND a.privilege_type IN ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'USAGE')
        GROUP BY 1, 2, 3 ORDER BY 1 NULLS FIRST, 2 NULLS FIRST, 3
        """;

    public string Id => nameof(TargetDefaultPrivileges);

    public string Group => CheckGroup.Target;

    public string Title => "Nobody else is given writes on the target's tables as they are made";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var target = await context.OpenTargetAsync(cancellationToken);
        var given = await target.ListAsync(
            Sql,
            row => (Grantee: row.IsDBNull(0) ? "PUBLIC" : SqlName.Quote(row.GetString(0)), Schema: row.IsDBNull(1) ? null : SqlName.Quote(row.GetString(1)), Kind: row.GetString(2), Privileges: row.GetString(3)),
            cancellationToken);
        return given.Count == 0
            ? Finding.Pass("Tables that the role makes on the target are its own.")
            : FindingText.Note(
                $"Default privileges of the target let others write what is made there: {FindingText.Several(given.ConvertAll(one => $"{one.Privileges} on {one.Kind} to {one.Grantee}{(one.Schema is null ? "" : $" in schema {one.Schema}")}"))}.",
                "The target is no place to write before the switch: such rows are overwritten, or stop the replication. Keep the application's new version away from it until then.",
                [.. given.Select(one => one.Grantee).Distinct(StringComparer.Ordinal)]);
    }
}
