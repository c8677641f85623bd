using HerokuMigrator.Operations;
using HerokuMigrator.State;
using Npgsql;

namespace HerokuMigrator.Logs;

/// <summary>What the state on the target keeps, as long as it is there.</summary>
internal sealed class StateLog(MigrationSession session)
{
    private long _last;

    /// <summary>When the target was found to have no state of this migration, or not any more; null while it has.</summary>
    public DateTimeOffset? GoneAt { get; private set; }

    /// <summary>Throws where the target cannot be asked.</summary>
    public async Task<IReadOnlyList<MigrationLogEntry>> ReadNewAsync(CancellationToken cancellationToken)
    {
        await using var target = await session.OpenTargetAsync(cancellationToken);
        if (await StateStore.ReadAsync(target, cancellationToken) is not { } row || row.Name != session.Name)
        {
            GoneAt = DateTimeOffset.UtcNow;
            return [];
        }

        var events = await EventStore.ReadAsync(target, _last, cancellationToken);
        _last = events.Count == 0 ? _last : events[^1].Id;
        return [.. events.Select(Entry)];
    }

    private static MigrationLogEntry Entry(StateEvent one) => new()
    {
        Time = one.At,
        Level = one.IsFailure ? MigrationLogLevel.Error : MigrationLogLevel.Information,
        Source = MigrationLogSource.State,
        Message = one.Kind == StateEvent.PhaseKind ? $"Phase: {one.Message}" : one.Message,
    };
}
