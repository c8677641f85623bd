using HerokuMigrator.State;
using Npgsql;

namespace HerokuMigrator.Readiness;

internal sealed class TargetLeftoverState : IReadinessCheck
{
    private const string Reason = "The state of a migration lives in that schema of the target; there is room for one.";

    public string Id => nameof(TargetLeftoverState);

    public string Group => CheckGroup.Target;

    public string Title => "The target holds no other migration's state";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var target = await context.OpenTargetAsync(cancellationToken);
        var owner = (await target.ListAsync(
            "SELECT pg_get_userbyid(nspowner)::text FROM pg_namespace WHERE nspname = $1", row => row.GetString(0), cancellationToken, StateStore.Schema)).SingleOrDefault();
        if (owner is null)
        {
            return Finding.Pass("The target holds no state of a migration.");
        }

        MigrationRow? migration;
        try
        {
            migration = await context.Session.Store.ReadAsync(cancellationToken);
        }
        catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            return Finding.Blocked(
                $"The target has a schema {StateStore.Schema} of the role {owner}, which may not be read.", Reason,
                $"Use the role {owner} for the target, or remove what that role left there.", [StateStore.Schema]);
        }

        if (migration is null)
        {
            return Finding.Blocked(
                $"The target has a schema {StateStore.Schema} that holds no migration.", Reason,
                $"DROP SCHEMA {StateStore.Schema} CASCADE; -- on the target, where nothing else uses it", [StateStore.Schema]);
        }

        return migration.Id == context.OwnMigrationId && migration.Name == context.Session.Name
            ? Finding.Pass("The target holds the state of this migration.")
            : Finding.Blocked(
                $"The target holds the state of migration '{migration.Name}', {migration.Phase}, begun at {migration.StartedAt:u}.", Reason,
                $"Stop-Migration -Name {migration.Name}   # or go on with that one", [StateStore.Schema]);
    }
}
