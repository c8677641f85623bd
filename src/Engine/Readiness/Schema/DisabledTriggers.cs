using HerokuMigrator.Catalog;

namespace HerokuMigrator.Readiness;

internal sealed class DisabledTriggers : IReadinessCheck
{
    /// <summary>Those of a foreign key carry its enforcement; each with the name of the constraint.</summary>
    private const string Sql = $"""
        SELECT n.nspname, c.relname, t.tgname, k.conname
        FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        LEFT JOIN pg_constraint k ON k.oid = t.tgconstraint AND k.contype = 'f'
        WHERE t.tgenabled = 'D' AND (NOT t.tgisinternal OR k.oid IS NOT NULL) AND {UserObjects.RelationFilter} ORDER BY 1, 2, 4, 3
        """;

    public string Id => nameof(DisabledTriggers);

    public string Group => CheckGroup.Schema;

    public string Title => "Triggers that are disabled";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        var found = await source.ListAsync(
            Sql, row => (Table: SqlName.Qualify(row.GetString(0), row.GetString(1)), Name: SqlName.Quote(row.GetString(2)), Key: row.IsDBNull(3) ? null : SqlName.Quote(row.GetString(3))), cancellationToken);
        var behind = found.FindAll(one => one.Key is not null);
        var keys = behind.ConvertAll(one => (one.Table, one.Key)).Distinct().ToList();
        if (keys.Count > 0)
        {
            return Finding.Warning(
                $"{FindingText.Count(keys.Count, "foreign key is", "foreign keys are")} not enforced, as the triggers behind are disabled: {FindingText.Several(keys.ConvertAll(one => $"{one.Key} on {one.Table}"))}.",
                "The target enforces them. Where rows break such a key, it cannot be made there, and the start ends with that error after the copy.",
                "-- on the source, as a superuser; then make sure that every row has its partner, or drop the constraint:\n"
                + FindingText.Statements(behind.Select(one => $"ALTER TABLE {one.Table} ENABLE TRIGGER {one.Name}")),
                keys.ConvertAll(one => $"{one.Table}.{one.Key}"));
        }

        return found.Count == 0
            ? Finding.Pass("No trigger is disabled.")
            : FindingText.Note(
                $"{FindingText.Count(found.Count, "trigger is", "triggers are")} disabled: {FindingText.Several(found.ConvertAll(one => $"{one.Name} on {one.Table}"))}.",
                "They are made disabled on the target too.",
                found.ConvertAll(one => $"{one.Table}.{one.Name}"));
    }
}
