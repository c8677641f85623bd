using HerokuMigrator.Catalog;

namespace HerokuMigrator.Readiness;

internal sealed class TargetSlots : IReadinessCheck
{
    /// <summary>Slots that keep WAL; those that were given up by the server (wal_status lost) keep none.</summary>
    private const string Sql = """
        SELECT slot_name, slot_type, active, database IS NOT DISTINCT FROM current_database()
        FROM pg_replication_slots
        WHERE NOT temporary AND restart_lsn IS NOT NULL AND wal_status IS DISTINCT FROM 'lost' AND (NOT active OR slot_type = 'logical' AND database = current_database())
        ORDER BY 1
        """;

    public string Id => nameof(TargetSlots);

    public string Group => CheckGroup.Target;

    public string Title => "No replication slot of the target keeps the log of the whole copy";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var target = await context.OpenTargetAsync(cancellationToken);
        var slots = await target.ListAsync(Sql, row => (Name: row.GetString(0), Type: row.GetString(1), IsActive: row.GetBoolean(2)), cancellationToken);
        var idle = slots.FindAll(slot => !slot.IsActive);
        if (idle.Count > 0)
        {
            var limit = await target.ScalarAsync<string>("SELECT current_setting('max_slot_wal_keep_size')", cancellationToken);
            return Finding.Warning(
                $"{FindingText.Count(idle.Count, "replication slot")} of the target {(idle.Count == 1 ? "has" : "have")} no reader: {FindingText.Several(idle.ConvertAll(slot => $"{slot.Name} ({slot.Type})"))}.",
                $"The server keeps all of its write-ahead log for them (max_slot_wal_keep_size = {limit}): that of the copy is as large as the rows and indexes together, and can fill the target's disk.",
                FindingText.Statements(idle.Select(slot => $"SELECT pg_drop_replication_slot({SqlName.Literal(slot.Name)})")) + "\n-- on the target, where nothing is to read them any more",
                idle.ConvertAll(slot => slot.Name));
        }

        return slots.Count == 0
            ? Finding.Pass("No replication slot of the target keeps the log of the copy.")
            : FindingText.Note(
                $"{FindingText.Count(slots.Count, "reader")} of logical changes of the target: {FindingText.Several(slots.ConvertAll(slot => slot.Name))}.",
                "What they publish goes on from there: the whole copy with it.",
                slots.ConvertAll(slot => slot.Name));
    }
}
