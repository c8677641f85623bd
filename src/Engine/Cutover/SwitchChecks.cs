using HerokuMigrator.Adoption;
using HerokuMigrator.Catalog;
using HerokuMigrator.Operations;
using HerokuMigrator.Readiness;
using HerokuMigrator.State;
using Npgsql;

namespace HerokuMigrator.Cutover;

/// <summary>What a switch would be refused for, or would take long for, as far as it can be seen before it; asked by the status, and by the switch itself.</summary>
internal sealed class SwitchChecks(MigrationSession session)
{
    public const string SchemaDriftId = "SchemaDrift";
    public const string MissingObjectsId = "MissingObjects";
    public const string PartitionsId = "Partitions";
    public const string RowsDifferId = "RowsDiffer";

    private const int Named = 10;

    /// <summary>Since when a transaction is told that stands in the way of the fence, in seconds: ten of its attempts.</summary>
    private const double LongSeconds = 6;

    /// <summary>By the catalogs of both sides: they are large, and change seldom.</summary>
    public async Task<IReadOnlyList<SwitchReason>> ReadCatalogAsync(NpgsqlConnection source, IReadOnlyList<TableRow> tables, CancellationToken cancellationToken) =>
    [
        .. await ReadDriftAsync(source, tables, cancellationToken),
        .. await FenceObstacles.ReadAsync(source, cancellationToken),
        .. Found(await ReadLargeObjectsAsync(source, cancellationToken)),
        .. LeftOut(tables),
    ];

    /// <summary>By what goes on at the moment.</summary>
    public async Task<IReadOnlyList<SwitchReason>> ReadActivityAsync(
        NpgsqlConnection source, IReadOnlyList<TableRow> tables, IReadOnlyList<TableProof> proofs, CancellationToken cancellationToken)
    {
        var keyless = await new StaleTables(session).KeylessAsync(source, cancellationToken);
        return
        [
            .. Compared(tables, proofs, keyless),
            .. Found(await ReadKeylessAsync(source, keyless, cancellationToken)),
            .. Found(await ReadPreparedAsync(source, cancellationToken)),
            .. Found(await ReadLocksAsync(source, cancellationToken)),
            .. Found(await ReadVacuumAsync(source, cancellationToken)),
        ];
    }

    /// <summary>For the switch: throws what refuses it, and tells what does not.</summary>
    public async Task RequireAsync(NpgsqlConnection source, IReadOnlyList<TableRow> tables, SwitchOptions options, CancellationToken cancellationToken)
    {
        var proofs = await new ComparisonStore(session.Target).ReadProofsAsync(cancellationToken);
        List<SwitchReason> found = [.. await ReadCatalogAsync(source, tables, cancellationToken), .. await ReadActivityAsync(source, tables, proofs, cancellationToken)];
        // Partitions were followed right before; what has come since is for the next look.
        var refused = found.Where(reason => (reason.Status == CheckStatus.Blocked && !IsAllowed(reason, options)) || reason.Id == PartitionsId).ToList();
        foreach (var reason in found.Except(refused).Where(reason => reason.Status is CheckStatus.Warning or CheckStatus.Blocked))
        {
            session.Events.Warning($"{reason.Finding} {reason.Remedy}".TrimEnd());
        }

        if (refused.Count > 0)
        {
            throw Errors.SwitchRefused(string.Join(" ", refused.Select(reason => reason.Finding)), string.Join(" ", refused.Select(reason => reason.Remedy).Distinct()), refused[0].Objects.FirstOrDefault());
        }
    }

    private static bool IsAllowed(SwitchReason reason, SwitchOptions options) => reason.Id == RowsDifferId && options.AllowDifferences;

    /// <summary>How the source's schema of now differs from the plan and from the target's.</summary>
    public async Task<IReadOnlyList<SwitchReason>> ReadDriftAsync(NpgsqlConnection source, IReadOnlyList<TableRow> tables, CancellationToken cancellationToken)
    {
        List<SwitchReason> found = [];
        var drift = new SchemaDrift(session);
        var difference = await drift.ReadAsync(source, tables, cancellationToken);
        var missing = await drift.FindMissingViewsAndIndexesAsync(source, cancellationToken);
        var plan = difference.Obstacles.Count + missing.Count == 0 ? new CarryOverPlan() : await drift.PlanCarryOverAsync(source, tables, difference, missing, cancellationToken);
        if (difference.Obstacles is { Count: > 0 } obstacles)
        {
            found.Add(SwitchReasons.Blocked(SchemaDriftId, $"The source's schema has changed since the migration began: {string.Join("; ", obstacles.Take(Named))}.", plan.Remedy, obstacles));
        }

        if (difference.Partitions is { Count: > 0 } partitions)
        {
            found.Add(SwitchReasons.Warning(
                PartitionsId, $"Partitions of the source have changed, and the target does not have that yet: {string.Join("; ", partitions.Take(Named))}.",
                "The worker follows within a minute; Start-BucardoSync and Invoke-TrafficSwitch do so at once.", partitions));
        }

        if (difference.LeftSequences is { Count: > 0 } left)
        {
            found.Add(SwitchReasons.Warning("LeftSequences", $"The target has sequences that the source has not, or not any more; they stay as they are: {string.Join(", ", left)}.", "", left));
        }

        if (missing.Count > 0)
        {
            found.Add(SwitchReasons.Warning(
                MissingObjectsId, $"The source has views or indexes that the target has not: {string.Join(", ", missing.Take(2 * Named))}{(missing.Count > 2 * Named ? $" and {missing.Count - (2 * Named)} more" : "")}.",
                plan.Entries.Any(entry => entry.Kind is "INDEX" or "CONSTRAINT") ? "Start-BucardoSync -CarryOver makes the indexes of plain tables; make the others on the target by hand." : "Make them on the target by hand.", missing));
        }

        return found;
    }

    /// <summary>Rows of tables that are copied again under the fence need not be equal before.</summary>
    private static IEnumerable<SwitchReason> Compared(IReadOnlyList<TableRow> tables, IReadOnlyList<TableProof> proofs, IReadOnlyList<TableInfo> keyless)
    {
        var moved = tables.Select(row => row.Table).Where(table => table.Mode != TransferMode.LeftOut).ExceptBy(keyless.Select(table => table.Oid), table => table.Oid).Select(table => table.QualifiedName).ToHashSet(StringComparer.Ordinal);
        if (proofs.Where(proof => proof.Outcome == ComparisonOutcome.Different && moved.Contains(proof.Table)).ToList() is { Count: > 0 } different)
        {
            yield return SwitchReasons.Blocked(
                RowsDifferId, $"Rows differed when they were compared last: {string.Join(", ", different.Take(Named).Select(proof => $"{proof.Table} ({proof.ComparedAt.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC)"))}{(different.Count > Named ? $", and {different.Count - Named} more tables" : "")}.",
                "Test-MigrationData -Repair heals them; Invoke-TrafficSwitch -AllowDifferences switches nevertheless, with -CompareBudgetMs 0 where the comparison under the fence would find them too.", different.ConvertAll(proof => proof.Table));
        }

        moved.ExceptWith(proofs.Where(proof => proof.ProvenAt is not null).Select(proof => proof.Table));
        if (moved.Count > 0)
        {
            yield return SwitchReasons.Note(
                "NotCompared", $"{FindingText.Count(moved.Count, "table was", "tables were")} never shown to be equal on both sides.", "Test-MigrationData compares them, while writes go on or after the switch.", [.. moved.Order(StringComparer.Ordinal)]);
        }
    }

    private static async Task<SwitchReason?> ReadKeylessAsync(NpgsqlConnection source, IReadOnlyList<TableInfo> keyless, CancellationToken cancellationToken)
    {
        if (keyless.Count == 0)
        {
            return null;
        }

        var bytes = await source.ScalarAsync<long>(
            "SELECT coalesce(sum(pg_table_size(c.oid)), 0)::bigint FROM pg_class c WHERE c.oid = ANY ($1::bigint[]::oid[])", cancellationToken, keyless.Select(table => (long)table.Oid).ToArray());
        var seconds = TablesCopiedWhole.CopySeconds(bytes);
        var finding = $"{FindingText.Count(keyless.Count, "table", "tables")} without a usable key, {FindingText.Bytes(bytes)}, will be copied while writes are held back, as written since {(keyless.Count == 1 ? "its" : "their")} copy: up to {seconds} s.";
        string[] names = [.. keyless.Select(table => table.QualifiedName)];
        return seconds <= TablesCopiedWhole.BearableSeconds
            ? SwitchReasons.Note("TablesCopiedWhole", finding, "", names)
            : SwitchReasons.Warning("TablesCopiedWhole", finding, "Empty them of what is not needed, or give -TimeoutSec room for it.", names);
    }

    private static async Task<SwitchReason?> ReadLargeObjectsAsync(NpgsqlConnection source, CancellationToken cancellationToken)
    {
        var figures = await LargeObjectFigures.ReadAsync(source, cancellationToken);
        if (figures.Count == 0)
        {
            return null;
        }

        var finding = $"{figures} will be copied while writes are held back.";
        return figures.PauseSeconds(double.PositiveInfinity) <= TablesCopiedWhole.BearableSeconds
            ? SwitchReasons.Note("LargeObjects", finding)
            : SwitchReasons.Warning("LargeObjects", finding, "Delete those that are not needed (vacuumlo finds orphans), or give -TimeoutSec room for it.");
    }

    private static IEnumerable<SwitchReason> LeftOut(IReadOnlyList<TableRow> tables)
    {
        if (MigrationSummary.LeftOut(tables) is { Count: > 0 } names)
        {
            yield return SwitchReasons.Note("TablesLeftOut", $"{FindingText.Count(names.Count, "table")} without a usable key {(names.Count == 1 ? "is" : "are")} left out: none of the rows is on the target.", "", names);
        }
    }

    private static async Task<SwitchReason?> ReadPreparedAsync(NpgsqlConnection source, CancellationToken cancellationToken)
    {
        var open = await PreparedTransactions.ReadAsync(source, cancellationToken);
        return open.Count == 0 ? null : SwitchReasons.Blocked(
            "PreparedTransactions", $"Prepared transactions are still open, and could be committed past the fence: {FindingText.Several(open.ConvertAll(one => $"{one.Id} of {one.Owner}"))}.",
            PreparedTransactions.Remedy(open), open.ConvertAll(one => one.Id));
    }

    private static async Task<SwitchReason?> ReadLocksAsync(NpgsqlConnection source, CancellationToken cancellationToken)
    {
        var held = await LocksHeld.ReadHeldAsync(source, LongSeconds, cancellationToken);
        return held.Count == 0 ? null : SwitchReasons.Warning(
            "LongWriters", $"The fence would wait for open transactions: {FindingText.Several([.. LocksHeld.BySession(held, "open for", "holds")])}.",
            "-- wait until they have ended, or end those that are not wanted, on the source:\n" + FindingText.Statements(held.Select(one => one.Session.Terminate)),
            [.. held.Select(one => one.Session.Name).Distinct(StringComparer.Ordinal)]);
    }

    private static async Task<SwitchReason?> ReadVacuumAsync(NpgsqlConnection source, CancellationToken cancellationToken)
    {
        var running = await WraparoundVacuum.ReadRunningAsync(source, cancellationToken);
        return running.Count == 0 ? null : SwitchReasons.Warning(
            "WraparoundVacuum", $"The fence would wait for a vacuum against wraparound, which does not give way: {FindingText.Several(running.ConvertAll(one => one.Query))}.",
            "Wait until it has ended: SELECT * FROM pg_stat_progress_vacuum;", [.. running.Select(one => one.Table).OfType<string>()]);
    }

    private static IEnumerable<SwitchReason> Found(SwitchReason? reason) => reason is null ? [] : [reason];
}
