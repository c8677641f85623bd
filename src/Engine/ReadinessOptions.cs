namespace HerokuMigrator;

/// <summary>Which checks are run. Ids, or patterns with * and ?, in any case of letters.</summary>
public sealed record ReadinessOptions
{
    /// <summary>Only these; empty: all.</summary>
    public IReadOnlyList<string> Include { get; init; } = [];

    /// <summary>Not these, also where <see cref="Include"/> names them.</summary>
    public IReadOnlyList<string> Exclude { get; init; } = [];
}
