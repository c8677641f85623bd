using System.Globalization;
using HerokuMigrator.Capture;
using HerokuMigrator.Cutover;
using Npgsql;

namespace HerokuMigrator.Operations;

/// <summary>Tries for the locks of the fence, once, and lets them go at once; or tells who is in the way. Nothing else is done, on either side.</summary>
internal sealed class LockRehearsal(MigrationSession session, SwitchOptions options)
{
    public async Task<TrafficSwitch> RunAsync(CancellationToken cancellationToken)
    {
        var row = await session.RequireMigrationAsync(cancellationToken);
        if (row.Phase is MigrationPhase.Switching or MigrationPhase.Switched)
        {
            throw Errors.RehearsalTooLate(session.Name, row.Phase);
        }

        await session.RequireSourceAsync(row, cancellationToken);
        await using var source = await session.OpenSourceAsync(cancellationToken);
        var record = await PrivilegeReader.ReadAsync(source, cancellationToken);
        var clock = new StepClock();
        var (taken, blockers) = await TryAsync(source, record, clock, cancellationToken);
        var held = clock.SinceZero;
        if (!taken)
        {
            session.Events.Warning($"The fence would wait for its locks: {LockHolders.Describe(blockers)}.");
        }

        return new TrafficSwitch
        {
            Name = session.Name,
            Phase = row.Phase,
            Source = session.SourceSettings.Address,
            Target = session.TargetSettings.Address,
            IsRehearsal = true,
            LockAttempts = 1,
            FailedAttemptsMs = taken ? 0 : Math.Round(held.TotalMilliseconds, 1),
            WritePauseMs = taken ? Math.Round(held.TotalMilliseconds, 1) : null,
            Blockers = blockers,
            TablesFenced = Fence.TablesOf(record).Count,
            Steps = clock.Steps,
        };
    }

    /// <returns>Whether the locks were to be had, and who was in the way: nobody any more, where that one has ended since.</returns>
    private async Task<(bool Taken, IReadOnlyList<FenceBlocker> Blockers)> TryAsync(NpgsqlConnection source, FenceRecord record, StepClock clock, CancellationToken cancellationToken)
    {
        try
        {
            await using var transaction = await source.BeginTransactionAsync(cancellationToken);
            await source.ExecuteAsync($"SET LOCAL lock_timeout = {options.LockTimeoutMs.ToString(CultureInfo.InvariantCulture)}", cancellationToken);
            clock.SetZero();
            await clock.MeasureAsync("locks", () => Fence.TakeLocksAsync(source, record, options.LockTimeoutMs, cancellationToken));
            return (true, []);
        }
        catch (PostgresException exception) when (LockPatience.IsLock(exception))
        {
            return (false, await LockHolders.ReadAsync(source, Fence.TablesOf(record), cancellationToken));
        }
    }
}
