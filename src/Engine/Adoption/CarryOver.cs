using HerokuMigrator.Capture;
using HerokuMigrator.Catalog;
using HerokuMigrator.Cutover;
using HerokuMigrator.Operations;
using HerokuMigrator.Schema;
using HerokuMigrator.State;
using Npgsql;

namespace HerokuMigrator.Adoption;

/// <summary>
/// Begins to bring what has changed on the source to the target, as its operator asked for; <see cref="AdoptOperation"/> copies and completes.
/// Whoever calls holds the operator lock. Killed anywhere, the state tells what is still to be copied or made.
/// </summary>
internal sealed class CarryOver(MigrationSession session)
{
    /// <summary>Rows with a value of their own in a new column, up to which their keys are replayed; a table with more is copied again.</summary>
    private const long MostKeys = 100_000;

    /// <summary>Throws where there is no replication that it could join.</summary>
    public static async Task RequireReplicatingAsync(MigrationSession session, CancellationToken cancellationToken)
    {
        if (await session.RequireMigrationAsync(cancellationToken) is { Phase: not MigrationPhase.Replicating and var phase })
        {
            throw Errors.WrongPhase(session.Name, "a carry-over", phase, "Get it replicating first: Resume-BucardoSync, or Start-BucardoSync without -CarryOver; then Get-SyncStatus -Wait.");
        }
    }

    public async Task<CarryOverPlan> PlanAsync(CancellationToken cancellationToken)
    {
        await using var source = await session.OpenSourceAsync(cancellationToken);
        var planned = await session.Store.ReadTablesAsync(cancellationToken);
        var drift = new SchemaDrift(session);
        return await drift.PlanCarryOverAsync(
            source, planned, await drift.ReadAsync(source, planned, cancellationToken), await drift.FindMissingViewsAndIndexesAsync(source, cancellationToken), cancellationToken);
    }

    public async Task RunAsync(MigrationRow row, CancellationToken cancellationToken)
    {
        await session.RequireSourceAsync(row, cancellationToken);
        await new PartitionFollower(session).RequireCaptureAsync(row.Id, cancellationToken);
        var plan = await PlanAsync(cancellationToken);
        foreach (var left in plan.Left)
        {
            session.Events.Warning($"Not carried over, as {left.Words}: {left.Remedy}");
        }

        if (!plan.Any)
        {
            session.Events.Information("Nothing of the source's schema is to be carried over.");
            return;
        }

        // Refused before anything is changed, where the target will not take it.
        var entries = plan.Tables.Count == 0 ? [] : await new SchemaDump(session).ReadTablesAsync(plan.Tables.Select(table => table.QualifiedName), plan.Tables, cancellationToken);
        await new SchemaTrial(session).RunAsync([.. plan.Sequences.Select(sequence => sequence.Sql)], entries, cancellationToken);
        // It would replay rows by columns that are not the plan's any more, and hold their tables' locks.
        await new Replication(session).StopDaemonAsync(cancellationToken);
        await MakeSequencesAsync(plan, cancellationToken);
        foreach (var added in plan.Columns)
        {
            await AddAsync(added, cancellationToken);
        }

        await AcceptAsync(plan.Accepted, cancellationToken);
        await ForgetAsync(plan.Forgotten, cancellationToken);
        await new SchemaRestorer(session).AppendAsync([.. entries, .. plan.Entries.Select((entry, at) => entry with { Sequence = entries.Count + at + 1 })], plan.Tables, cancellationToken);
        foreach (var words in plan.Words)
        {
            session.Events.Information($"Carried over from the source: {words}.");
            await session.Store.LogAsync("carry-over", words, cancellationToken);
        }
    }

    private async Task MakeSequencesAsync(CarryOverPlan plan, CancellationToken cancellationToken)
    {
        await using var target = await session.OpenTargetAsync(cancellationToken);
        foreach (var (_, sql) in plan.Sequences)
        {
            await target.ExecuteAsync(sql, cancellationToken);
        }
    }

    /// <summary>
    /// From the commit on the tables count as not copied. Every row of them is as the column's definition makes it, or differs and is replayed;
    /// a write that the look does not see yet was captured, and is replayed by the new columns, as nothing replays between the two.
    /// </summary>
    private async Task AddAsync(ColumnsAdded added, CancellationToken cancellationToken)
    {
        var copied = (await session.Store.ReadTablesAsync(cancellationToken)).Where(row => row.Copied).Select(row => row.Table.QualifiedName).ToHashSet(StringComparer.Ordinal);
        var settings = await session.ReadApplicationSettingsAsync(cancellationToken);
        await using (var target = await session.OpenTargetAsync(cancellationToken))
        {
            await using var transaction = await target.BeginTransactionAsync(cancellationToken);
            await target.ExecuteAsync("SET LOCAL lock_timeout = '60s'; " + settings.SetLocal, cancellationToken);
            foreach (var statement in added.Statements)
            {
                await target.ExecuteAsync(statement, cancellationToken);
            }

            foreach (var table in added.Tables)
            {
                await StateStore.ReplanAsync(target, table, cancellationToken);
            }

            await transaction.CommitAsync(cancellationToken);
        }

        foreach (var table in added.Tables.Where(table => table.Mode == TransferMode.Replayed && copied.Contains(table.QualifiedName)))
        {
            if (await TryReplayAsync(table, added.Columns, cancellationToken))
            {
                await session.Store.MarkFilledAsync(table, cancellationToken);
            }
        }
    }

    /// <summary>False where the table is better copied again.</summary>
    private async Task<bool> TryReplayAsync(TableInfo table, IReadOnlyList<NewColumn> columns, CancellationToken cancellationToken)
    {
        var differing = $"FROM ONLY {table.QualifiedName} t WHERE {string.Join(" OR ", columns.Select(column => column.Differs))}";
        var settings = await session.ReadApplicationSettingsAsync(cancellationToken);
        await using var source = await session.OpenSourceAsync(cancellationToken);
        await using var transaction = await source.BeginTransactionAsync(cancellationToken);
        await source.ExecuteAsync(settings.SetLocal, cancellationToken);
        if (await source.ScalarAsync<long>($"SELECT count(*) FROM (SELECT {differing} LIMIT {MostKeys + 1}) d", cancellationToken) > MostKeys
            || (CaptureSql.AwkwardKey(table, "t") is { } awkward && await source.ScalarAsync<bool>($"SELECT EXISTS (SELECT FROM ONLY {table.QualifiedName} t WHERE {awkward})", cancellationToken)))
        {
            return false;
        }

        var keys = SqlName.List(table.Key);
        await source.ExecuteAsync($"INSERT INTO {CaptureNames.InBucardo(CaptureNames.For(table).Delta)} ({keys}) SELECT {keys} {differing}", cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return true;
    }

    private async Task AcceptAsync(IReadOnlyList<TableInfo> tables, CancellationToken cancellationToken)
    {
        await using var target = await session.OpenTargetAsync(cancellationToken);
        await using var transaction = await target.BeginTransactionAsync(cancellationToken);
        foreach (var table in tables)
        {
            await StateStore.ReplanAsync(target, table, cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
    }

    private async Task ForgetAsync(IReadOnlyList<TableInfo> tables, CancellationToken cancellationToken)
    {
        await using var source = await session.OpenSourceAsync(cancellationToken);
        await using var target = await session.OpenTargetAsync(cancellationToken);
        foreach (var table in tables)
        {
            await PartitionFollower.DropAsync(source, target, table, cancellationToken);
        }
    }
}
