using HerokuMigrator.Catalog;
using HerokuMigrator.Operations;

namespace HerokuMigrator.Readiness;

/// <summary>Runs every check there is, side by side; a check that fails or takes too long is a finding, not the end.</summary>
internal static class ReadinessRun
{
    private const int SideBySide = 3;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static async Task<ReadinessReport> RunAsync(MigrationSession session, ReadinessOptions options, string? ownMigrationId, CancellationToken cancellationToken)
    {
        var checks = CheckSelection.Select(options);
        await using var source = await session.OpenSourceAsync(cancellationToken);
        await using (await session.OpenTargetAsync(cancellationToken))
        {
            // A side that cannot be reached is an error with its own id, not a list of failed checks.
        }

        // What is shared and still being read when the last check has ended is of no use to anybody.
        using var whole = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var context = new ReadinessContext(session, await CatalogReader.ReadAsync(source, cancellationToken), ownMigrationId, whole.Token);
        if (checks.Any(check => check is IReadsWriteSample))
        {
            // It takes seconds of waiting: the other checks run meanwhile.
            _ = WriteSample.OfAsync(context, whole.Token);
        }

        var results = new ReadinessCheck[checks.Count];
        await Parallel.ForAsync(
            0, checks.Count, new ParallelOptions { MaxDegreeOfParallelism = SideBySide, CancellationToken = cancellationToken },
            async (at, token) => results[at] = await RunAsync(checks[at], context, token));
        await whole.CancelAsync();
        return new ReadinessReport
        {
            Name = session.Name,
            Source = session.SourceSettings.Address,
            Target = session.TargetSettings.Address,
            CheckedAt = DateTimeOffset.UtcNow,
            Checks = results,
            LeftOut = [.. CheckSelection.All.Except(checks).Select(check => check.Id)],
        };
    }

    private static async Task<ReadinessCheck> RunAsync(IReadinessCheck check, ReadinessContext context, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Patience);
        Finding finding;
        try
        {
            finding = await check.RunAsync(context, limit.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            finding = Finding.Skipped($"It took longer than {Patience.TotalSeconds:0} s and was cut off.");
        }
#pragma warning disable CA1031 // Whatever a check trips over is told as its finding; the others go on.
        catch (Exception exception) when (exception is not OperationCanceledException)
#pragma warning restore CA1031
        {
            finding = Finding.Warning($"The check itself failed: {exception.Message}", "What it would have found is not known.", "Report this with the message above.");
        }

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
        };
    }
}
