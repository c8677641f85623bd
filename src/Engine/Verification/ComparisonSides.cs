using HerokuMigrator.Operations;
using Npgsql;

namespace HerokuMigrator.Verification;

/// <summary>Both databases.</summary>
internal sealed record ComparisonSides(ComparisonSide Source, ComparisonSide Target) : IAsyncDisposable
{
    /// <param name="session">Whose databases they are.</param>
    /// <param name="jobs">Statements at a time on each.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static Task<ComparisonSides> OpenAsync(MigrationSession session, int jobs, CancellationToken cancellationToken) => OpenAsync(session, session.Target, jobs, cancellationToken);

    /// <summary>The same with sessions of their own on the target.</summary>
    public static async Task<ComparisonSides> OpenAsync(MigrationSession session, NpgsqlDataSource target, int jobs, CancellationToken cancellationToken)
    {
        var settings = await session.ReadApplicationSettingsAsync(cancellationToken);
        await using var onSource = await session.OpenSourceAsync(cancellationToken);
        await using var onTarget = await session.OpenTargetAsync(cancellationToken);
        return new ComparisonSides(
            new ComparisonSide(session.Source, settings.SearchPath, jobs, onSource.PostgreSqlVersion.Major * 10000),
            new ComparisonSide(target, settings.SearchPath, jobs, onTarget.PostgreSqlVersion.Major * 10000));
    }

    public ValueTask DisposeAsync()
    {
        Source.Dispose();
        Target.Dispose();
        return ValueTask.CompletedTask;
    }
}
