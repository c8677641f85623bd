using System.Diagnostics;
using HerokuMigrator.Catalog;
using HerokuMigrator.Operations;
using Npgsql;

namespace HerokuMigrator.Readiness;

/// <summary>
/// Runs every check there is, side by side, and beside them what the report tells of times and surroundings.
/// What fails or takes too long is told as such and does not end the others.
/// </summary>
internal static class ReadinessRun
{
    /// <summary>
    /// Each check holds one connection a side, one of them two, and may wait for something shared that holds another; estimate, inventory's own pool aside,
    /// and sample hold one more each: within the ten of a pool.
    /// </summary>
    private const int SideBySide = 4;

    public static async Task<ReadinessReport> RunAsync(MigrationSession session, ReadinessOptions options, string? ownMigrationId, CancellationToken cancellationToken)
    {
        IReadOnlyList<IReadinessCheck> checks = [.. CheckSelection.Select(options).Where(check => !(options.ChecksOnly && check is IReadsWriteSample))];
        var wantsFigures = !options.ChecksOnly && options.Include.Count == 0;
        var (catalog, link) = await LookAsync(session, wantsFigures, cancellationToken);

        // What is shared and still being read when the last check has ended is of no use to anybody.
        using var whole = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var context = new ReadinessContext(session, catalog, ownMigrationId, whole.Token);
        if (wantsFigures || checks.Any(check => check is IReadsWriteSample))
        {
            // It takes seconds of waiting: the other checks run meanwhile.
            _ = WriteSample.OfAsync(context, whole.Token);
        }

        var patience = TimeSpan.FromSeconds(options.CheckTimeoutSeconds);
        var inventory = wantsFigures || options.WithInventory ? TryAsync("inventory", token => InventoryReader.ReadAsync(session, token), session, patience, cancellationToken) : Task.FromResult<ReadinessInventory?>(null);
        var estimate = link is null ? Task.FromResult<MigrationEstimate?>(null) : TryAsync("estimate", token => Estimator.ReadAsync(context, link, token), session, patience, cancellationToken);
        var results = new ReadinessCheck[checks.Count];
        await Parallel.ForAsync(
            0, checks.Count, new ParallelOptions { MaxDegreeOfParallelism = SideBySide, CancellationToken = cancellationToken },
            async (at, token) => results[at] = await RunAsync(checks[at], context, patience, token));
        var report = new ReadinessReport
        {
            Name = session.Name,
            Source = session.SourceSettings.Address,
            Target = session.TargetSettings.Address,
            CheckedAt = DateTimeOffset.UtcNow,
            Checks = results,
            LeftOut = [.. CheckSelection.All.Except(checks).Select(check => check.Id)],
            Estimate = await estimate,
            Inventory = await inventory,
        };
        await whole.CancelAsync();
        return report;
    }

    /// <summary>The catalog, and the link as it is before anything else loads it; null where it is not wanted or could not be measured.</summary>
    private static async Task<(SourceCatalog Catalog, LinkMeasurement? Link)> LookAsync(MigrationSession session, bool measure, CancellationToken cancellationToken)
    {
        // A side that cannot be reached is an error with its own id, not a list of failed checks.
        await using var source = await session.OpenSourceAsync(cancellationToken);
        LinkMeasurement? link = null;
        await using (var target = await session.OpenTargetAsync(cancellationToken))
        {
            try
            {
                link = measure ? await LinkMeasurement.TakeAsync(source, target, cancellationToken) : null;
            }
            catch (PostgresException exception)
            {
                session.Events.Warning($"The report has no estimate, as the way to the servers could not be measured: {exception.MessageText}");
            }
        }

        return (await CatalogReader.ReadAsync(source, cancellationToken), link);
    }

    private static async Task<T?> TryAsync<T>(
        string what, Func<CancellationToken, Task<T>> read, MigrationSession session, TimeSpan patience, CancellationToken cancellationToken)
        where T : class
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(patience);
        try
        {
            return await read(limit.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            session.Events.Warning($"The report has no {what}: it took longer than {patience.TotalSeconds:0} s and was cut off.");
            return null;
        }
#pragma warning disable CA1031 // The checks are what decides; whatever this trips over is told.
        catch (Exception exception) when (exception is not OperationCanceledException)
#pragma warning restore CA1031
        {
            session.Events.Warning($"The report has no {what}: {exception.Message}");
            return null;
        }
    }

    private static async Task<ReadinessCheck> RunAsync(IReadinessCheck check, ReadinessContext context, TimeSpan patience, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(patience);
        var clock = Stopwatch.StartNew();
        Finding finding;
        try
        {
            finding = await check.RunAsync(context, limit.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            finding = Finding.Skipped($"It took longer than {patience.TotalSeconds:0} s and was cut off.");
        }
#pragma warning disable CA1031 // Whatever a check trips over is told as its finding; the others go on.
        catch (Exception exception) when (exception is not OperationCanceledException)
#pragma warning restore CA1031
        {
            finding = Finding.Warning($"The check itself failed: {exception.Message}", "What it would have found is not known.", "Report this with the message above.");
        }

        context.Session.Events.Verbose($"{check.Id}: {finding.Status} after {clock.Elapsed.TotalMilliseconds:0} ms.");
        return new ReadinessCheck
        {
            Id = check.Id,
            Group = check.Group,
            Title = check.Title,
            Status = finding.Status,
            Finding = finding.Text,
            Objects = finding.Objects,
            Reason = finding.Reason,
            Remedy = finding.Remedy,
            DurationMs = clock.Elapsed.TotalMilliseconds,
        };
    }
}
