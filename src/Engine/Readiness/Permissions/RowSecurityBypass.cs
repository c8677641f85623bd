namespace HerokuMigrator.Readiness;

internal sealed class RowSecurityBypass : IReadinessCheck
{
    public string Id => nameof(RowSecurityBypass);

    public string Group => CheckGroup.Permissions;

    public string Title => "No row security policy hides rows from the migration";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        var role = await CatalogQuestions.RoleAsync(source, cancellationToken);
        var hidden = await CatalogQuestions.RelationsAsync(source, "c.relkind IN ('r', 'p') AND row_security_active(c.oid)", cancellationToken);
        if (hidden.Count > 0)
        {
            return Finding.Blocked(
                $"Policies restrict the role {role} on {FindingText.Count(hidden.Count, "table")} of the source: {FindingText.Several(hidden)}.",
                "Rows that a policy hides could not be copied.",
                FindingText.Statements(hidden.Select(table => $"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY"))
                + $"\n-- or, as a superuser: ALTER ROLE {role} BYPASSRLS;",
                hidden);
        }

        var forced = await CatalogQuestions.RelationsAsync(source, "c.relkind IN ('r', 'p') AND c.relrowsecurity AND c.relforcerowsecurity", cancellationToken);
        if (forced.Count == 0)
        {
            return Finding.Pass("No policy restricts the role on the source.");
        }

        await using var target = await context.OpenTargetAsync(cancellationToken);
        return await target.ScalarAsync<bool>("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user", cancellationToken)
            ? Finding.Pass("Policies bind the owners of some tables; the roles on both sides bypass them.")
            : Finding.Warning(
                $"Policies of {FindingText.Count(forced.Count, "table")} bind even the owner, and the target's role does not bypass them: {FindingText.Several(forced)}.",
                "Once the policies are in force on the target, at the switch, the migration can no longer read those tables there to compare them.",
                $"ALTER ROLE {await CatalogQuestions.RoleAsync(target, cancellationToken)} BYPASSRLS; -- on the target, as a superuser",
                forced);
    }
}
