using System.Reflection;
using HerokuMigrator.Catalog;
using HerokuMigrator.Operations;

namespace HerokuMigrator.Readiness;

/// <summary>Runs every check there is, side by side; a check that fails or takes too long is a finding, not the end.</summary>
internal static class ReadinessRun
{
    private const int SideBySide = 3;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static readonly IReadOnlyList<IReadinessCheck> Checks =
    [
        .. Assembly.GetExecutingAssembly().GetTypes()
            .Where(type => type is { IsClass: true, IsAbstract: false } && typeof(IReadinessCheck).IsAssignableFrom(type))
            .Select(type => (IReadinessCheck)Activator.CreateInstance(type)!)
            .OrderBy(check => check.Group, StringComparer.Ordinal).ThenBy(check => check.Id, StringComparer.Ordinal),
    ];

    public static async Task<ReadinessReport> RunAsync(MigrationSession session, string? ownMigrationId, CancellationToken cancellationToken)
    {
        await using var source = await session.OpenSourceAsync(cancellationToken);
        await using (await session.OpenTargetAsync(cancellationToken))
        {
            // A side that cannot be reached is an error with its own id, not a list of failed checks.
        }

        var context = new ReadinessContext(session, await CatalogReader.ReadAsync(source, cancellationToken), ownMigrationId);
        var results = new ReadinessCheck[Checks.Count];
        await Parallel.ForAsync(
            0, Checks.Count, new ParallelOptions { MaxDegreeOfParallelism = SideBySide, CancellationToken = cancellationToken },
            async (at, token) => results[at] = await RunAsync(Checks[at], context, token));
        return new ReadinessReport
        {
            Name = session.Name,
            Source = session.SourceSettings.Address,
            Target = session.TargetSettings.Address,
            CheckedAt = DateTimeOffset.UtcNow,
            Checks = results,
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
