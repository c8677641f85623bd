namespace HerokuMigrator.Catalog;

/// <summary>Extensions that act on the rows of their tables by themselves, or whose tables nobody but themselves may fill.</summary>
internal static class ExtensionPolicy
{
    private static readonly Dictionary<string, string> Reasons = new(StringComparer.Ordinal)
    {
        ["pg_cron"] = "the target would run the jobs at once, beside the source",
        ["pgagent"] = "an agent would run the jobs at once, beside the source's",
        ["timescaledb"] = "they describe chunks and jobs, and only its own restore may fill them",
        ["pglogical"] = "they describe nodes and subscriptions, which would connect at once",
    };

    /// <summary>For a pg_class <c>c</c>: marked as filled by users, and of no extension whose rows stay behind whatever happens.</summary>
    public const string ConfigFilter =
        "c.oid IN (SELECT f FROM pg_extension x CROSS JOIN LATERAL unnest(x.extconfig) f WHERE x.extname NOT IN ('pg_cron', 'pgagent', 'timescaledb', 'pglogical'))";

    /// <summary>Why no row of it may be carried; null for all others.</summary>
    public static string? NeverCarried(string extension) => Reasons.GetValueOrDefault(extension);

    /// <summary>Its maintenance, where the target runs one, would make and drop partitions that the source has not.</summary>
    public static bool WaitsForFence(string extension) => extension is "pg_partman";
}
