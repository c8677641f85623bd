namespace HerokuMigrator.Reporting;

/// <summary>What a live view says where there is no terminal: a line for each phase, and one a minute.</summary>
public sealed class LiveLines
{
    private readonly ProgressLines _lines = new();

    /// <summary>Null where it is not time for one.</summary>
    public string? Next(SyncStatus status)
    {
        var problems = status.Problems.Count > 0 ? $"; {string.Join(" ", status.Problems)}" : "";
        return _lines.Next(new OperationProgress(status.Phase.ToString(), "")) is null ? null : TextWrap.Visible($"{status.SampledAt.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'} {status}{problems}".ReplaceLineEndings(" "));
    }
}
