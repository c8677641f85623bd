using HerokuMigrator.Catalog;
using Npgsql;

namespace HerokuMigrator.Readiness;

internal sealed class ReplicationSlots : IReadinessCheck
{
    /// <summary>Slots belong to the whole server: those of other databases hold its WAL too.</summary>
    private const string Sql = """
        SELECT slot_name::text, slot_type, coalesce(database, '')::text, xmin IS NOT NULL OR catalog_xmin IS NOT NULL,
               coalesce(pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, restart_lsn), 0)::int8
        FROM pg_replication_slots
        WHERE NOT active AND (restart_lsn IS NOT NULL OR xmin IS NOT NULL OR catalog_xmin IS NOT NULL) AND wal_status IS DISTINCT FROM 'lost'
        ORDER BY 5 DESC, 1
        """;

    private sealed record Slot(string Side, string Name, string Kind, string Database, bool HoldsRows, long Bytes)
    {
        public override string ToString() =>
            $"{SqlName.Literal(Name)} of the {Side} ({Kind}{(Database.Length > 0 ? $", database {SqlName.Quote(Database)}" : "")}, holds {FindingText.Bytes(Bytes)} of WAL{(HoldsRows ? " and dead rows" : "")})";
    }

    public string Id => nameof(ReplicationSlots);

    public string Group => CheckGroup.Load;

    public string Title => "No replication slot is left without its reader";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        await using var target = await context.OpenTargetAsync(cancellationToken);
        List<Slot> idle = [.. await ReadAsync("source", source, cancellationToken), .. await ReadAsync("target", target, cancellationToken)];
        return idle.Count == 0
            ? Finding.Pass("Every replication slot of both servers is being read.")
            : Finding.Warning(
                $"{FindingText.Count(idle.Count, "replication slot has", "replication slots have")} no reader: {FindingText.Several(idle.ConvertAll(slot => slot.ToString()))}.",
                "A server keeps all WAL that such a slot has not read: the migration writes the whole database on the target, and captured changes on the source, until a disk is full. Dead rows that it holds make the tables of captured changes grow and slow.",
                "-- where nobody will read it again:\n" + FindingText.Statements(idle.Select(slot => $"-- on the {slot.Side}, as a role with REPLICATION\nSELECT pg_drop_replication_slot({SqlName.Literal(slot.Name)})")),
                idle.ConvertAll(slot => slot.Name));
    }

    private static Task<List<Slot>> ReadAsync(string side, NpgsqlConnection connection, CancellationToken cancellationToken) =>
        connection.ListAsync(
            Sql, row => new Slot(side, row.GetString(0), row.GetString(1), row.GetString(2), row.GetBoolean(3), row.GetInt64(4)), cancellationToken);
}
