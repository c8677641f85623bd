using HerokuMigrator.Catalog;
using Npgsql;

namespace HerokuMigrator.Readiness;

internal sealed class GrantsToCarry : IReadinessCheck
{
    public string Id => nameof(GrantsToCarry);

    public string Group => CheckGroup.Schema;

    public string Title => "Privileges of other roles";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        await using var target = await context.OpenTargetAsync(cancellationToken);
        var wanted = await Privileges.ReadAsync(source, cancellationToken);
        var there = await Privileges.ReadAsync(target, cancellationToken);
        var closed = await ClosedRoutinesAsync(source, cancellationToken);
        var closedThere = await ClosedRoutinesAsync(target, cancellationToken);
        // PUBLIC's privileges matter where somebody else than the owner comes at all.
        var missing = wanted.Any(one => one.Grantee.Length > 0) ? wanted.Except(there).ToList() : [];
        var open = closed.Except(closedThere, StringComparer.Ordinal).ToList();
        var roles = missing.Select(one => one.Grantee).Where(role => role.Length > 0).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
        if (missing.Count + open.Count == 0)
        {
            return Finding.Pass("No privilege of another role is missing on the target.");
        }

        var absent = await CatalogQuestions.MissingRolesAsync(target, roles, cancellationToken);
        var creations = absent.Select(role => $"CREATE ROLE {SqlName.Quote(role)}").ToList();
        return Finding.Warning(
            string.Join(" ", new[]
            {
                missing.Count == 0 ? "" : $"{FindingText.Count(missing.Count, "privilege")} that the target lacks: of {FindingText.Several([.. roles.Select(SqlName.Quote), .. missing.Exists(one => one.Grantee.Length == 0) ? ["PUBLIC"] : Array.Empty<string>()])}.",
                absent.Count == 0 ? "" : $"The target has no {(absent.Count == 1 ? "role" : "roles")} {SqlName.List(absent)}.",
                open.Count == 0 ? "" : $"{FindingText.Count(open.Count, "function")} that not everybody may call on the source: {FindingText.Several(open)}.",
            }.Where(part => part.Length > 0)),
            "Owners and privileges are not carried over: all belongs to the target's role, and functions may be called by everybody there. What connects by another role would be refused after the switch.",
            (creations.Count == 0 ? "" : $"-- on the target; give LOGIN and a password to those that need it:\n{FindingText.Statements(creations)}\n")
            + "-- on the target, once the start has made the tables there, before the switch:\n"
            + FindingText.Statements([.. Privileges.Statements(missing, await Privileges.CountRelationsAsync(source, cancellationToken)), .. open.Select(routine => $"REVOKE EXECUTE ON ROUTINE {routine} FROM PUBLIC")]),
            [.. roles.Select(SqlName.Quote), .. open]);
    }

    /// <summary>Functions that PUBLIC was denied, which it has by default.</summary>
    private static Task<List<string>> ClosedRoutinesAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        connection.ListAsync(
            $"""
            SELECT n.nspname, p.proname, pg_get_function_identity_arguments(p.oid) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
            WHERE p.proacl IS NOT NULL AND NOT EXISTS (SELECT FROM aclexplode(p.proacl) a WHERE a.grantee = 0) AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
              AND {UserObjects.RoutineFilter} ORDER BY 1, 2, 3
            """,
            row => $"{SqlName.Qualify(row.GetString(0), row.GetString(1))}({row.GetString(2)})",
            cancellationToken);
}
