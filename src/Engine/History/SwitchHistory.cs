using System.Text.Json;
using HerokuMigrator.Operations;
using HerokuMigrator.State;
using Npgsql;

namespace HerokuMigrator.History;

/// <summary>Notes each switch and undo in the state: the certificate on this machine is the last switch's alone.</summary>
internal static class SwitchHistory
{
    /// <summary>Returns the result; a rehearsal's, which has switched nothing, is not noted. It is done by then, so that a target which cannot be told is no failure of it.</summary>
    public static async Task<TrafficSwitch> NoteAsync(MigrationSession session, string kind, TrafficSwitch result, CancellationToken cancellationToken)
    {
        if (result.IsRehearsal)
        {
            return result;
        }

        try
        {
            await using var target = await session.OpenTargetAsync(cancellationToken);
            await EventStore.AddAsync(target, kind, result.ToString(), JsonSerializer.Serialize(result), cancellationToken);
        }
        catch (Exception exception) when (exception is NpgsqlException or MigrationException)
        {
            session.Events.Verbose($"What was done could not be noted in the state: {exception.Message}");
        }

        return result;
    }
}
