namespace HerokuMigrator.Readiness;

internal sealed class TargetReplicationRole : IReadinessCheck
{
    public string Id => nameof(TargetReplicationRole);

    public string Group => CheckGroup.Permissions;

    public string Title => "The role may set session_replication_role on the target";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var target = await context.OpenTargetAsync(cancellationToken);
        var refusal = await Probe.TryAsync(target, cancellationToken, "SET LOCAL session_replication_role = replica");
        if (refusal is null)
        {
            return Finding.Pass("The role may set session_replication_role on the target.");
        }

        var role = await CatalogQuestions.RoleAsync(target, cancellationToken);
        return Finding.Blocked(
            $"The role {role} may not set session_replication_role on the target: {refusal.MessageText}.",
            "Replicated rows must be applied without firing triggers and foreign keys a second time.",
            await ServerVersions.MajorAsync(target, cancellationToken) >= 15
                ? $"GRANT SET ON PARAMETER session_replication_role TO {role}; -- as a superuser of the target"
                : $"ALTER ROLE {role} SUPERUSER; -- before PostgreSQL 15 only superusers may (on RDS: GRANT rds_superuser TO {role})");
    }
}
