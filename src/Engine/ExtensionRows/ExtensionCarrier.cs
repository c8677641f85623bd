using System.Data;
using HerokuMigrator.Catalog;
using HerokuMigrator.Copy;
using HerokuMigrator.Operations;
using HerokuMigrator.Readiness;
using Npgsql;

namespace HerokuMigrator.ExtensionRows;

/// <summary>
/// Brings the rows that users put into tables of extensions. Nothing captures changes of them: they are replaced whole, by the source's
/// condition there and by the target's own here, all in one transaction of the target. What cannot be carried is told and holds up nothing.
/// </summary>
internal sealed class ExtensionCarrier(MigrationSession session)
{
    /// <summary>To be called before the target's schema is made.</summary>
    public async Task NoteKeptAsync(CancellationToken cancellationToken)
    {
        await using var target = await session.OpenTargetAsync(cancellationToken);
        await KeptRows.NoteAsync(target, cancellationToken);
    }

    /// <summary>Before the fence: for what rests on them, a foreign key or a reference system. All but those that something on the target would act on.</summary>
    public Task CarryEarlyAsync(bool tell, CancellationToken cancellationToken) => CarryAsync(underFence: false, tell, cancellationToken);

    /// <summary>For good, once nobody writes them on the source any more; returns the names of those that were carried.</summary>
    public Task<IReadOnlyList<string>> CarryUnderFenceAsync(CancellationToken cancellationToken) => CarryAsync(underFence: true, tell: true, cancellationToken);

    /// <summary>The fence is gone, and writes go on at the source: nothing may act on these rows here.</summary>
    public async Task TakeBackAsync(CancellationToken cancellationToken)
    {
        await using var source = await session.OpenSourceAsync(cancellationToken);
        await using var target = await session.OpenTargetAsync(cancellationToken);
        try
        {
            foreach (var transfer in (await ReadAsync(source, target, cancellationToken)).Where(one => one is { Obstacle: null, WaitsForFence: true, Source.IsSequence: false }))
            {
                await using var transaction = await target.BeginTransactionAsync(cancellationToken);
                await target.ExecuteAsync($"SET LOCAL session_replication_role = replica; DELETE FROM {transfer.Target!.UserRows}", cancellationToken);
                await transaction.CommitAsync(cancellationToken);
            }
        }
        catch (PostgresException exception) when (IsRefusal(exception))
        {
            session.Events.Warning($"Rows that were carried into tables of extensions stay on the target: {exception.MessageText}.");
        }
    }

    private async Task<IReadOnlyList<string>> CarryAsync(bool underFence, bool tell, CancellationToken cancellationToken)
    {
        await using var source = await session.OpenSourceAsync(cancellationToken);
        await using var target = await session.OpenTargetAsync(cancellationToken);
        try
        {
            var transfers = await ReadAsync(source, target, cancellationToken);
            if (transfers.Count == 0)
            {
                return [];
            }

            await using var snapshot = await source.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken);
            var filled = (await KeptRows.FilledAsync(source, [.. transfers.Select(one => one.Source)], cancellationToken)).ToHashSet(StringComparer.Ordinal);
            TellLeft(transfers, filled, tell);
            var carried = transfers.Where(one => one.Obstacle is null && (underFence || !one.WaitsForFence)).ToList();
            var stale = (await KeptRows.FilledAsync(target, carried.ConvertAll(one => one.Target!), cancellationToken)).ToHashSet(StringComparer.Ordinal);
            carried.RemoveAll(one => !filled.Contains(one.Source.QualifiedName) && (one.Source.IsSequence || !stale.Contains(one.Target!.QualifiedName)));
            return await CarryAllAsync((source, snapshot), target, carried, cancellationToken);
        }
        catch (PostgresException exception) when (IsRefusal(exception))
        {
            session.Events.Warning($"Rows that users put into tables of extensions stay behind: {exception.MessageText}.");
            return [];
        }
    }

    private async Task<IReadOnlyList<string>> CarryAllAsync(
        (NpgsqlConnection Connection, NpgsqlTransaction Snapshot) source, NpgsqlConnection target, IReadOnlyList<ExtensionTransfer> transfers, CancellationToken cancellationToken)
    {
        var names = new List<string>();
        await using var transaction = await target.BeginTransactionAsync(cancellationToken);
        await TableCopier.PrepareAsync(session, target, cancellationToken);
        foreach (var transfer in transfers)
        {
            await source.Snapshot.SaveAsync("one", cancellationToken);
            await transaction.SaveAsync("one", cancellationToken);
            try
            {
                await (transfer.Source.IsSequence ? SetSequenceAsync(source.Connection, target, transfer, cancellationToken) : ReplaceAsync(source.Connection, target, transfer, cancellationToken));
                names.Add(transfer.Target!.QualifiedName);
            }
            catch (PostgresException exception) when (IsRefusal(exception))
            {
                await source.Snapshot.RollbackAsync("one", cancellationToken);
                await transaction.RollbackAsync("one", cancellationToken);
                session.Events.Warning($"What users put into {transfer.Source} could not be carried to the target: {exception.MessageText}{(exception.Detail is { Length: > 0 } detail ? $" ({detail})" : "")}.");
            }
        }

        await transaction.CommitAsync(cancellationToken);
        if (names.Count > 0)
        {
            session.Events.Verbose($"Carried what users put into tables of extensions: {string.Join(", ", names)}.");
        }

        return names;
    }

    private async Task ReplaceAsync(NpgsqlConnection source, NpgsqlConnection target, ExtensionTransfer transfer, CancellationToken cancellationToken)
    {
        var columns = SqlName.List(transfer.Columns);
        // The session of a program that was killed may still be at it: its rows must be seen to be deleted.
        await target.ExecuteAsync($"LOCK TABLE {transfer.Target!.QualifiedName} IN SHARE ROW EXCLUSIVE MODE", cancellationToken);
        await target.ExecuteAsync($"DELETE FROM {transfer.Target.UserRows}", cancellationToken);
        await CopyStream.RelayAsync(
            source, $"(SELECT {columns} FROM {transfer.Source.UserRows})", target, $"{transfer.Target.QualifiedName} ({columns})", CopyFormat.Text, (_, _, _) => ValueTask.CompletedTask, cancellationToken);
    }

    /// <summary>Never back: the target may have given out values that its own rows use.</summary>
    private static async Task SetSequenceAsync(NpgsqlConnection source, NpgsqlConnection target, ExtensionTransfer transfer, CancellationToken cancellationToken)
    {
        var (last, called) = (await source.ListAsync($"SELECT last_value, is_called FROM {transfer.Source.QualifiedName}", row => (row.GetInt64(0), row.GetBoolean(1)), cancellationToken))[0];
        var name = transfer.Target!.QualifiedName;
        await target.ExecuteAsync(
            $"""
            SELECT setval($1::text::regclass, $2, $3) FROM {name} s JOIN pg_sequence q ON q.seqrelid = $1::text::regclass
            WHERE CASE WHEN q.seqincrement > 0 THEN (s.last_value, s.is_called) < ($2, $3) ELSE s.last_value > $2 OR (s.last_value = $2 AND NOT s.is_called AND $3) END
            """,
            cancellationToken, name, last, called);
    }

    private void TellLeft(IReadOnlyList<ExtensionTransfer> transfers, HashSet<string> filled, bool tell)
    {
        foreach (var transfer in tell ? transfers.Where(one => filled.Contains(one.Source.QualifiedName)) : [])
        {
            if (transfer.Obstacle is { } obstacle)
            {
                session.Events.Warning($"What users put into {transfer.Source} stays behind: {obstacle}. {transfer.Remedy}".TrimEnd());
            }
            else if (transfer.LostColumns.Count > 0)
            {
                session.Events.Warning($"The target's version of {transfer.Source} has no column {SqlName.List(transfer.LostColumns)}: what is in it stays behind.");
            }
        }
    }

    private static async Task<IReadOnlyList<ExtensionTransfer>> ReadAsync(NpgsqlConnection source, NpgsqlConnection target, CancellationToken cancellationToken)
    {
        var here = await ExtensionRelation.ReadAsync(source, cancellationToken);
        if (here.Count == 0)
        {
            return [];
        }

        var there = await ExtensionRelation.ReadAsync(target, cancellationToken);
        var extensions = await target.ListAsync("SELECT extname FROM pg_extension", row => row.GetString(0), cancellationToken);
        var roles = (await CatalogQuestions.RoleAsync(source, cancellationToken), await CatalogQuestions.RoleAsync(target, cancellationToken));
        return ExtensionTransfer.Pair(here, there, extensions.ToHashSet(StringComparer.Ordinal), await KeptRows.ReadAsync(target, there, cancellationToken), roles);
    }

    /// <summary>By rows, rights or shapes that do not fit; all else (a lost connection, a lock, a full disk) ends the step as everywhere.</summary>
    private static bool IsRefusal(PostgresException exception) => exception.SqlState.Length == 5 && exception.SqlState[..2] is "22" or "23" or "42";
}
