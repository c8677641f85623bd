using HerokuMigrator.Readiness;

namespace HerokuMigrator;

/// <summary>Which checks are run. Ids, or patterns with * and ?, in any case of letters.</summary>
public sealed record ReadinessOptions
{
    /// <summary>Only these; empty: all.</summary>
    public IReadOnlyList<string> Include { get; init; } = [];

    /// <summary>Not these, also where <see cref="Include"/> names them.</summary>
    public IReadOnlyList<string> Exclude { get; init; } = [];

    /// <summary>A check, the estimate or the inventory that takes longer is cut off, and told as such.</summary>
    public double CheckTimeoutSeconds { get; init; } = 30;

    /// <summary>Gather the inventory also where <see cref="Include"/> names checks: a file of the report has a place for it.</summary>
    public bool WithInventory { get; init; }

    /// <summary>
    /// Only what may stand in the way: neither estimate nor inventory, nor the checks that watch the source for seconds, as those never block.
    /// </summary>
    internal bool ChecksOnly { get; init; }

    /// <summary>Throws where a pattern fits no check, or no check is left.</summary>
    public void Validate() => CheckSelection.Select(this);
}
