using HerokuMigrator.Catalog;
using Npgsql;

namespace HerokuMigrator.Readiness;

internal sealed class ChecksOnOtherTables : IReadinessCheck
{
    /// <summary>Those of partitions and heirs follow the parent's.</summary>
    private const string RemedySql = """
        SELECT n.nspname, c.relname, k.conname, pg_get_constraintdef(k.oid) FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE k.oid = ANY ($1::bigint[]::oid[]) AND k.coninhcount = 0 AND k.convalidated ORDER BY 1, 2, 3
        """;

    public string Id => nameof(ChecksOnOtherTables);

    public string Group => CheckGroup.Schema;

    public string Title => "No check reads another table";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        var dependents = await ComputedDependents.OfAsync(context, cancellationToken);
        var reading = dependents.All.Where(computed => computed.Kind is "check" or "generated column")
            .SelectMany(computed => dependents.ReadingTables(computed).Select(one => (Computed: computed, one.Routine, one.Table))).ToList();
        await using var source = await context.OpenSourceAsync(cancellationToken);
        var (valid, remedies) = await ReadChecksAsync(source, [.. reading.Select(one => (long)one.Computed.Constraint)], cancellationToken);
        var found = reading.FindAll(one => one.Computed.Constraint == 0 || valid.Contains(one.Computed.Constraint));
        if (found.Count == 0)
        {
            return Finding.Pass("No valid check or generated column calls a function that reads a table.");
        }

        return Finding.Warning(
            "Functions of checks or generated columns read tables: "
            + FindingText.Several([.. found.Select(one => $"{one.Computed.Kind} {one.Computed.Name} ({one.Routine.Name} reads {one.Table})").Distinct(StringComparer.Ordinal)]) + ".",
            "Rows are checked and columns computed as each table is copied, when the rows of the other one may not be there yet: the copy may be refused, or compute something else.",
            (remedies.Count == 0 ? "" : "-- on the source, before the start: a check that is NOT VALID is made on the target under the fence only, when all rows are there\n" + FindingText.Statements(remedies))
            + (found.Exists(one => one.Computed.Constraint == 0) ? "\n-- what a generated column reads elsewhere should become an ordinary column that a trigger fills" : ""),
            [.. found.Select(one => one.Computed.Name).Distinct(StringComparer.Ordinal)]);
    }

    /// <summary>The checks that rows are held against already during the copy, and what postpones that.</summary>
    private static async Task<(HashSet<uint> Valid, List<string> Remedies)> ReadChecksAsync(NpgsqlConnection source, long[] checks, CancellationToken cancellationToken)
    {
        var valid = await source.ListAsync(
            "SELECT oid FROM pg_constraint WHERE oid = ANY ($1::bigint[]::oid[]) AND convalidated", row => row.GetFieldValue<uint>(0), cancellationToken, checks);
        await using var transaction = await source.BeginTransactionAsync(cancellationToken);
        try
        {
            // The server opens a table to print its check.
            await source.ExecuteAsync("SET LOCAL lock_timeout = '500ms'", cancellationToken);
            var remedies = await source.ListAsync(
                RemedySql,
                row => (Table: SqlName.Qualify(row.GetString(0), row.GetString(1)), Name: SqlName.Quote(row.GetString(2)), Definition: row.GetString(3)),
                cancellationToken,
                checks);
            return ([.. valid], remedies.ConvertAll(one => $"ALTER TABLE {one.Table} DROP CONSTRAINT {one.Name}, ADD CONSTRAINT {one.Name} {one.Definition} NOT VALID"));
        }
        catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.LockNotAvailable)
        {
            return ([.. valid], ["-- a table is locked just now: test again for the statements"]);
        }
    }
}
