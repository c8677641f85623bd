using HerokuMigrator.Operations;

namespace HerokuMigrator.Verification;

/// <summary>Both databases.</summary>
internal sealed record ComparisonSides(ComparisonSide Source, ComparisonSide Target) : IAsyncDisposable
{
    /// <param name="session">Whose databases they are.</param>
    /// <param name="jobs">Statements at a time on each.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task<ComparisonSides> OpenAsync(MigrationSession session, int jobs, CancellationToken cancellationToken)
    {
        var settings = await session.ReadApplicationSettingsAsync(cancellationToken);
        await using var source = await session.OpenSourceAsync(cancellationToken);
        await using var target = await session.OpenTargetAsync(cancellationToken);
        return new ComparisonSides(
            new ComparisonSide(session.Source, settings.SearchPath, jobs, source.PostgreSqlVersion.Major * 10000),
            new ComparisonSide(session.Target, settings.SearchPath, jobs, target.PostgreSqlVersion.Major * 10000));
    }

    public ValueTask DisposeAsync()
    {
        Source.Dispose();
        Target.Dispose();
        return ValueTask.CompletedTask;
    }
}
