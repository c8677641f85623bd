using HerokuMigrator.Catalog;

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

    private sealed record Slot(string Name, string Kind, string Database, bool HoldsRows, long Bytes)
    {
        public override string ToString() =>
            $"{SqlName.Literal(Name)} ({Kind}{(Database.Length > 0 ? $", database {SqlName.Quote(Database)}" : "")}, holds {FindingText.Bytes(Bytes)} of WAL{(HoldsRows ? " and dead rows" : "")})";
    }

    public string Id => nameof(ReplicationSlots);

    public string Group => CheckGroup.Load;

    public string Title => "No replication slot of the source is left without its reader";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        var idle = await source.ListAsync(
            Sql, row => new Slot(row.GetString(0), row.GetString(1), row.GetString(2), row.GetBoolean(3), row.GetInt64(4)), cancellationToken);
        return idle.Count == 0
            ? Finding.Pass("Every replication slot of the source is being read.")
            : Finding.Warning(
                $"{FindingText.Count(idle.Count, "replication slot")} of the source {(idle.Count == 1 ? "has" : "have")} no reader: {FindingText.Several(idle.ConvertAll(slot => slot.ToString()))}.",
                "The server keeps all WAL that such a slot has not read, and captured changes add to it, until the disk is full. Dead rows that it holds make the tables of captured changes grow and slow.",
                "-- on the source, where nobody will read it again, as a role with REPLICATION:\n" + FindingText.Statements(idle.Select(slot => $"SELECT pg_drop_replication_slot({SqlName.Literal(slot.Name)})")),
                idle.ConvertAll(slot => slot.Name));
    }
}
