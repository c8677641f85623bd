namespace HerokuMigrator.Readiness;

internal sealed class TempCheck : IReadinessCheck
{
    public string Id => "Temp";
    public string Group => "Host";
    public string Title => "Temp";
    public Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken) => Task.FromResult(Finding.Pass("ok"));
}
