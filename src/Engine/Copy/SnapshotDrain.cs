using System.Data;
using HerokuMigrator.Capture;
using HerokuMigrator.Catalog;
using HerokuMigrator.Operations;
using Npgsql;

namespace HerokuMigrator.Copy;

/// <summary>
/// Applies what is pending of all tables in one snapshot of the source and one transaction of the target, so that both sides are one moment, as after a run of Bucardo;
/// without the seconds that its daemon takes to start and to end. For little: see <see cref="CatchUp"/> for much. The daemon must stand still.
/// Killed anywhere it is applied again, which comes to the same: the target commits first, the marks on the source last.
/// </summary>
internal sealed class SnapshotDrain(MigrationSession session)
{
    private readonly DeltaApplier _applier = new(session);

    /// <summary>False, and nothing applied, where Bucardo must do it: rows were rewritten meanwhile, or the target refuses a row.</summary>
    public async Task<bool> TryApplyAsync(IReadOnlyList<TableInfo> replayed, CancellationToken cancellationToken)
    {
        try
        {
            return await ApplyAsync(replayed, cancellationToken);
        }
        catch (Exception exception) when (exception is NpgsqlException or IOException)
        {
            session.Events.Verbose($"What is pending is left to Bucardo: {exception.Message}");
            return false;
        }
    }

    private async Task<bool> ApplyAsync(IReadOnlyList<TableInfo> replayed, CancellationToken cancellationToken)
    {
        var settings = await session.ReadApplicationSettingsAsync(cancellationToken);
        await using var source = await session.Source.OpenConnectionAsync(cancellationToken);
        await using var target = await session.Target.OpenConnectionAsync(cancellationToken);
        var files = await ReadFilesAsync(source, cancellationToken);
        await using var reading = await source.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken);
        await source.ExecuteAsync($"SET LOCAL lock_timeout = {DeltaApplier.SourceLockTimeout}; {settings.SetLocal}", cancellationToken);
        var pending = await new DeltaBacklog(replayed).FindPendingAsync(source, cancellationToken);
        if (pending.Count == 0)
        {
            return true;
        }

        await using var applying = await target.BeginTransactionAsync(cancellationToken);
        await target.ExecuteAsync(
            $"SET LOCAL session_replication_role = replica; SET LOCAL lock_timeout = {DeltaApplier.TargetLockTimeout}; {settings.SetLocal}", cancellationToken);
        // Whoever may still be writing there (the commit of a run that was killed just now) is waited for; what it read is older than the snapshot.
        await target.ExecuteAsync($"LOCK TABLE {string.Join(", ", pending.Select(table => "ONLY " + table.QualifiedName))} IN SHARE ROW EXCLUSIVE MODE", cancellationToken);
        foreach (var table in pending)
        {
            if (!files.TryGetValue((table.Schema, table.Name), out var file)
                || await _applier.ReplaceAsync(source, reading, target, table, file, cancellationToken) is null)
            {
                session.Events.Verbose($"What is pending is left to Bucardo, as {table} was rewritten meanwhile.");
                return false;
            }
        }

        await applying.CommitAsync(cancellationToken);
        session.Events.Debug($"The backlog of {pending.Count} tables is on the target; its marks follow.");
        foreach (var table in pending)
        {
            await DeltaApplier.MarkAsync(source, table, cancellationToken);
        }

        await reading.CommitAsync(cancellationToken);
        session.Events.Verbose($"Both sides were one moment: what was pending of {pending.Count} tables is applied.");
        return true;
    }

    /// <summary>Where the rows of every table are, before the snapshot: one that is truncated or rewritten after it would look empty.</summary>
    private static async Task<Dictionary<(string Schema, string Table), uint>> ReadFilesAsync(NpgsqlConnection source, CancellationToken cancellationToken) =>
        (await source.ListAsync(
            "SELECT n.nspname, c.relname, pg_relation_filenode(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND n.nspname !~ '^pg_'",
            row => (Name: (row.GetString(0), row.GetString(1)), File: row.GetFieldValue<uint>(2)),
            cancellationToken)).ToDictionary(row => row.Name, row => row.File);
}
