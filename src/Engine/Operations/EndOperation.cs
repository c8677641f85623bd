using System.Text.Json;
using System.Text.Json.Serialization;
using HerokuMigrator.Capture;
using HerokuMigrator.Catalog;
using HerokuMigrator.Cutover;
using HerokuMigrator.History;
using HerokuMigrator.Logs;
using HerokuMigrator.State;
using Npgsql;

namespace HerokuMigrator.Operations;

/// <summary>Completes or stops a migration: nothing of ours stays on the source, and no state on the target.</summary>
internal sealed class EndOperation(MigrationSession session)
{
    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web) { WriteIndented = true, Converters = { new JsonStringEnumConverter() } };

    private readonly Replication _replication = new(session);
    private readonly Fence _fence = new(session);

    public async Task<Migration> CompleteAsync(CancellationToken cancellationToken)
    {
        if (await session.ReadStateAsync(cancellationToken) is null && await ReadOutcomeAsync(cancellationToken) is { Phase: MigrationPhase.Completed } before)
        {
            await TidyAsync(cancellationToken);
            return before;
        }

        await using var operatorLock = await OperatorLock.TakeAsync(session, cancellationToken);
        var row = await session.RequireMigrationAsync(cancellationToken);
        if (row.Phase is not (MigrationPhase.Switched or MigrationPhase.Completing))
        {
            throw Errors.WrongPhase(session.Name, "a completion", row.Phase, "Switch first with Invoke-TrafficSwitch, or abort with Stop-Migration.");
        }

        await session.RequireSourceAsync(row, cancellationToken);
        if (row.Phase == MigrationPhase.Switched)
        {
            await RefuseWritableSourceAsync(cancellationToken);
        }

        await session.Store.SetPhaseAsync(MigrationPhase.Completing, cancellationToken);
        return await EndAsync(row, MigrationPhase.Completed, cancellationToken);
    }

    /// <summary>The fence may have been taken away by the SQL on disk, or by a GRANT: what was written then would be lost by a completion.</summary>
    private async Task RefuseWritableSourceAsync(CancellationToken cancellationToken)
    {
        await using var source = await session.OpenSourceAsync(cancellationToken);
        var found = await Fence.FindWritersAsync(source, await _fence.LoadAsync(cancellationToken), cancellationToken);
        var replayed = (await session.Store.ReadTablesAsync(cancellationToken)).Select(row => row.Table).Where(table => table.Mode == TransferMode.Replayed).ToList();
        if (!await new DeltaBacklog(replayed).IsEmptyAsync(source, cancellationToken))
        {
            found.Insert(0, "changes were captured after the switch");
        }

        if (found.Count > 0)
        {
            throw Errors.SourceWritable(session.Name, found);
        }
    }

    /// <summary>From any phase; the source comes first. A target that is gone for good must be given up by name.</summary>
    public async Task<Migration> StopAsync(StopOptions options, CancellationToken cancellationToken)
    {
        await using (await session.OpenSourceAsync(cancellationToken))
        {
            // Without the source nothing can be cleaned up: that is told before anything else.
        }

        if (options.AbandonTarget)
        {
            session.Events.Warning($"The target {session.TargetSettings.Address} is given up; if it has a schema heroku_migrator, drop it there by hand: DROP SCHEMA heroku_migrator CASCADE.");
            return await EndAsync(null, MigrationPhase.Aborted, cancellationToken, targetGivenUp: true);
        }

        await EndStartAsync(cancellationToken);
        await using var operatorLock = await TakeTargetAsync(cancellationToken);
        var row = await session.Store.ReadAsync(cancellationToken);
        if (row is null)
        {
            return await StopWithoutStateAsync(cancellationToken);
        }

        if (row.Name != session.Name)
        {
            throw Errors.OtherName(session.Name, row.Name);
        }

        await session.RequireSourceAsync(row, cancellationToken);
        // Before anything is removed: a start after a stop that was interrupted would replay without a part of the capture.
        await session.Store.SetPhaseAsync(MigrationPhase.Aborted, cancellationToken);
        return await EndAsync(row, MigrationPhase.Aborted, cancellationToken);
    }

    /// <summary>A worker that copies has the operator lock, and would keep it for hours.</summary>
    private async Task EndStartAsync(CancellationToken cancellationToken)
    {
        if (await session.Store.ReadIfReachableAsync(cancellationToken) is { } row && row.Name == session.Name)
        {
            await session.RequireSourceAsync(row, cancellationToken);
            await Worker.EndAsync(session, cancellationToken);
        }
    }

    private async Task<OperatorLock> TakeTargetAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await OperatorLock.TakeAsync(session, cancellationToken);
        }
        catch (MigrationException exception) when (!exception.IsRefusal)
        {
            throw Errors.WithAdvice(exception, "If the target is gone for good, clean the source with Stop-Migration -AbandonTarget.");
        }
    }

    /// <summary>A stop that was killed near its end has dropped the state already; capture objects, though, may be another migration's.</summary>
    private async Task<Migration> StopWithoutStateAsync(CancellationToken cancellationToken)
    {
        await using var source = await session.OpenSourceAsync(cancellationToken);
        var markers = await CaptureInstaller.ReadMarkersAsync(source, cancellationToken);
        if (markers.Select(marker => marker.Marker).FirstOrDefault(marker => marker?.StartsWith(CaptureInstaller.MarkerPrefix, StringComparison.Ordinal) == true) is { } found)
        {
            throw Errors.StateMissing(session.Name, found[CaptureInstaller.MarkerPrefix.Length..]);
        }

        if (await ReadOutcomeAsync(cancellationToken) is not { } outcome)
        {
            throw Errors.UnknownMigration(session.Name);
        }

        await TidyAsync(cancellationToken);
        return outcome;
    }

    private async Task<Migration> EndAsync(MigrationRow? row, MigrationPhase phase, CancellationToken cancellationToken, bool targetGivenUp = false)
    {
        await Worker.EndAsync(session, cancellationToken);
        await _replication.StopAllAsync(cancellationToken);
        var result = await DescribeAsync(row, phase, cancellationToken);
        if (row is not null)
        {
            await _fence.OpenAsync(cancellationToken);
        }
        else if (await _fence.LoadFromDiskAsync(cancellationToken) is { } record)
        {
            await _fence.RestoreAsync(record, cancellationToken);
        }

        await new CaptureRemover(session.Source, session.Events).RemoveAsync(row?.Id, cancellationToken);
        await (targetGivenUp ? HistoryFile.KeepOutcomeAsync(session, result, cancellationToken) : HistoryFile.KeepAsync(session, result, cancellationToken));

        if (session.Home.Exists)
        {
            await MigrationHome.WritePrivateAsync(session.Home.OutcomeFile, JsonSerializer.Serialize(Outcome.From(result), Format), cancellationToken);
        }

        if (!targetGivenUp)
        {
            await session.Store.DropAsync(cancellationToken);
        }

        await TidyAsync(cancellationToken);
        session.Notifier.Tell(phase, phase == MigrationPhase.Completed ? MigrationPhase.Completing : row?.Phase ?? MigrationPhase.NotStarted);
        session.Events.Information($"Migration '{session.Name}' is {phase}. The source has its privileges back and takes writes from those that still reach it.");
        return result;
    }

    private async Task TidyAsync(CancellationToken cancellationToken)
    {
        await _replication.StopAllAsync(cancellationToken);
        BucardoLog.Keep(session.Home);
        session.Cluster.RemoveOutside();
        session.Home.Forget();
    }

    private async Task<Migration> DescribeAsync(MigrationRow? row, MigrationPhase phase, CancellationToken cancellationToken)
    {
        var tables = row is null ? [] : await TablesAsync(cancellationToken);
        return MigrationSummary.Build(session, phase, row?.StartedAt, tables) with { EndedAt = DateTimeOffset.UtcNow };
    }

    private async Task<IReadOnlyList<TableRow>> TablesAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await session.Store.ReadTablesAsync(cancellationToken);
        }
        catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.UndefinedTable)
        {
            return [];
        }
    }

    public async Task<Migration?> ReadOutcomeAsync(CancellationToken cancellationToken) =>
        File.Exists(session.Home.OutcomeFile)
            ? JsonSerializer.Deserialize<Outcome>(await File.ReadAllTextAsync(session.Home.OutcomeFile, cancellationToken), Format)?.ToMigration(session)
            : null;

    /// <summary>What stays on this machine of a migration that has ended.</summary>
    private sealed record Outcome(MigrationPhase Phase, DateTimeOffset? StartedAt, DateTimeOffset? EndedAt, int Tables, int TablesCopiedWhole, long RowsCopied, IReadOnlyList<string>? TablesLeftOut = null)
    {
        public static Outcome From(Migration migration) =>
            new(migration.Phase, migration.StartedAt, migration.EndedAt, migration.Tables, migration.TablesCopiedWhole, migration.RowsCopied, migration.TablesLeftOut);

        public Migration ToMigration(MigrationSession session) => new()
        {
            Name = session.Name,
            Phase = Phase,
            Source = session.SourceSettings.Address,
            Target = session.TargetSettings.Address,
            StartedAt = StartedAt,
            EndedAt = EndedAt,
            Tables = Tables,
            TablesCopiedWhole = TablesCopiedWhole,
            TablesLeftOut = TablesLeftOut ?? [],
            RowsCopied = RowsCopied,
            Home = session.Home.Folder,
        };
    }
}
