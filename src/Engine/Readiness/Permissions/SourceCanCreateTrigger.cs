using System.Security.Cryptography;
using Npgsql;

namespace HerokuMigrator.Readiness;

internal sealed class SourceCanCreateTrigger : IReadinessCheck
{
    public string Id => nameof(SourceCanCreateTrigger);

    public string Group => CheckGroup.Permissions;

    public string Title => "Capture objects can be made on the source";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        if (!await source.ScalarAsync<bool>("SELECT NOT pg_is_in_recovery() AND has_database_privilege(current_database(), 'CREATE')", cancellationToken))
        {
            return Finding.Skipped("It is tried in a schema of its own, which cannot be made; see SourceIsPrimary and SourceCanCreateSchema.");
        }

        var refusal = await Probe.TryAsync(source, cancellationToken, Statements());
        return refusal is null
            ? Finding.Pass("A schema, a table, a function and a trigger could be made on the source; they were taken back at once.")
            : Finding.Blocked(
                $"The source refused a trigger like those of the capture: {refusal.MessageText}.",
                "Changes are captured by triggers.",
                Remedy(refusal));
    }

    /// <summary>On a table of its own: nobody waits for its lock.</summary>
    private static string[] Statements()
    {
        var schema = "heroku_migrator_probe_" + RandomNumberGenerator.GetHexString(12, lowercase: true);
        return
        [
            $"CREATE SCHEMA {schema}",
            $"CREATE TABLE {schema}.probe (id integer PRIMARY KEY)",
            $"CREATE FUNCTION {schema}.probe() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'BEGIN RETURN NULL; END'",
            $"CREATE TRIGGER probe AFTER INSERT OR UPDATE OR DELETE ON {schema}.probe FOR EACH ROW EXECUTE FUNCTION {schema}.probe()",
            $"INSERT INTO {schema}.probe VALUES (1)",
        ];
    }

    private static string Remedy(PostgresException refusal) => refusal.SqlState switch
    {
        PostgresErrorCodes.UndefinedObject => "CREATE EXTENSION plpgsql;",
        PostgresErrorCodes.InsufficientPrivilege => "Have the database's owner grant what the message names; an event trigger may be the one that refuses (SELECT evtname FROM pg_event_trigger).",
        _ => "Remove what the message names (an event trigger may be the one that refuses), then run Test-MigrationReadiness again.",
    };
}
