namespace HerokuMigrator;

/// <summary>What is compared, and how.</summary>
public sealed record ComparisonOptions
{
    private const int MostJobs = 32;

    /// <summary>Only tables with these names, <c>schema.table</c> as they are or quoted; * and ? are wildcards. Empty: all.</summary>
    public IReadOnlyList<string> Tables { get; init; } = [];

    /// <summary>How many percent of the chunks, chosen at random.</summary>
    public double SamplePercent { get; init; } = 100;

    /// <summary>Statements at a time on each side.</summary>
    public int Jobs { get; init; } = 2;

    /// <summary>Let rows that differ be replayed once more, and compare them again.</summary>
    public bool Repair { get; init; }

    /// <summary>Go on with the last comparison where it was interrupted less than an hour ago.</summary>
    public bool Resume { get; init; }

    /// <summary>How large a chunk is, so that a spec need not fill gigabytes.</summary>
    internal long ChunkBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>How long rows with pending changes are waited for while none of them comes to rest.</summary>
    internal TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Throws where a value is out of its range.</summary>
    public void Validate()
    {
        if (SamplePercent is not (> 0 and <= 100))
        {
            throw FaceErrors.ComparisonOptionInvalid("Sample", SamplePercent, "above 0, up to 100, in percent of the chunks");
        }

        if (Jobs is < 1 or > MostJobs)
        {
            throw FaceErrors.ComparisonOptionInvalid(nameof(Jobs), Jobs, $"from 1 to {MostJobs}");
        }

        if (Tables.Any(string.IsNullOrWhiteSpace))
        {
            throw FaceErrors.ComparisonOptionInvalid("Table", "an empty name", "such as public.orders or 'public.*'");
        }
    }
}
