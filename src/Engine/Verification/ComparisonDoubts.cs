using HerokuMigrator.Catalog;
using HerokuMigrator.Operations;
using HerokuMigrator.State;

namespace HerokuMigrator.Verification;

/// <summary>A table that differs may be one of which it is known that it is not complete yet.</summary>
/// <param name="before">The migration as it was when the comparison began.</param>
internal sealed class ComparisonDoubts(MigrationSession session, MigrationRow before)
{
    public const string WrittenKeyless = "it has no usable key and may have been written since its copy; the switch copies it again";

    public async Task<DataComparison> WeighAsync(TableInfo table, DataComparison result, CancellationToken cancellationToken)
    {
        var now = await session.RequireMigrationAsync(cancellationToken);
        if (now.Phase != before.Phase && !(now.Phase is MigrationPhase.Replicating or MigrationPhase.Suspended && before.Phase is MigrationPhase.Replicating or MigrationPhase.Suspended))
        {
            return Unproven(result, $"the migration became {now.Phase} meanwhile");
        }

        if (now.Phase == MigrationPhase.Switched)
        {
            return result with { Detail = Join(result.Detail, $"rows may have been written on the target since the switch ({now.SwitchedAt?.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC)") };
        }

        await using var source = await session.OpenSourceAsync(cancellationToken);
        var stale = new StaleTables(session);
        if (table.Mode == TransferMode.CopiedWhole)
        {
            return (await stale.KeylessAsync(source, cancellationToken)).Any(other => other.Oid == table.Oid)
                ? result with { Outcome = ComparisonOutcome.NotCompared, Detail = WrittenKeyless, Differences = [], RowsDiffering = 0 }
                : result;
        }

        if ((await StaleTables.MarkedAsync(source, [table], cancellationToken)).Count > 0)
        {
            return Unproven(result, "rows were changed under keys that cannot be captured; the switch copies the table again");
        }

        return (await stale.RewrittenAsync(source, cancellationToken)).Any(other => other.Oid == table.Oid)
            ? Unproven(result, "a column was rewritten on the source; the switch copies the table again")
            : result;
    }

    private static DataComparison Unproven(DataComparison result, string detail) => result with { Outcome = ComparisonOutcome.Unproven, Detail = Join(result.Detail, detail) };

    private static string Join(string first, string second) => first.Length == 0 ? second : $"{first}; {second}";
}
