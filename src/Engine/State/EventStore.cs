using Npgsql;

namespace HerokuMigrator.State;

/// <summary>What the state keeps of what happened.</summary>
/// <param name="Detail">A JSON document for programs; null for most.</param>
internal sealed record StateEvent(long Id, DateTimeOffset At, string Kind, string Message, string? Detail)
{
    public const string PhaseKind = "phase";
    public const string SwitchKind = "switch";
    public const string UndoKind = "undo";

    /// <summary>The change of phase; null where it is none.</summary>
    public (MigrationPhase From, MigrationPhase To)? Phases =>
        Kind == PhaseKind && Message.Split(" -> ", 2) is [var from, var to]
        && Enum.TryParse<MigrationPhase>(from, out var before) && Enum.TryParse<MigrationPhase>(to.Split(':')[0], out var next)
            ? (before, next)
            : null;

    public bool IsFailure => Phases is (_, MigrationPhase.Failed);
}

/// <summary>The events in the state on the target.</summary>
internal static class EventStore
{
    /// <summary>Those after the one of that id, in the order that they came in.</summary>
    public static async Task<IReadOnlyList<StateEvent>> ReadAsync(NpgsqlConnection target, long after, CancellationToken cancellationToken) =>
        await target.ListAsync(
            "SELECT id, at, kind, message, detail::text FROM heroku_migrator.event WHERE id > $1 ORDER BY id",
            row => new StateEvent(row.GetInt64(0), row.GetFieldValue<DateTimeOffset>(1), row.GetString(2), row.GetString(3), row.IsDBNull(4) ? null : row.GetString(4)),
            cancellationToken, after);

    /// <summary>Once: the same detail is not kept again, as an operation that is repeated after an interruption tells it anew.</summary>
    public static Task AddAsync(NpgsqlConnection target, string kind, string message, string detail, CancellationToken cancellationToken) =>
        target.ExecuteAsync(
            """
            INSERT INTO heroku_migrator.event (kind, message, detail)
            SELECT $1, $2, $3::jsonb WHERE NOT EXISTS (SELECT FROM heroku_migrator.event WHERE kind = $1 AND detail = $3::jsonb)
            """,
            cancellationToken, kind, message, detail);
}
