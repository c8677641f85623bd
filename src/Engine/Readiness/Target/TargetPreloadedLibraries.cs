using HerokuMigrator.Catalog;

namespace HerokuMigrator.Readiness;

internal sealed class TargetPreloadedLibraries : IReadinessCheck
{
    /// <summary>
    /// Extensions that can be made without their library being loaded at the server's start, and then do nothing; each with a setting that is there
    /// only where it was loaded. Who may not read shared_preload_libraries sees these. Extensions that cannot be made at all are told by the check Extensions.
    /// </summary>
    private static readonly (string Extension, string Setting, bool IsNeeded, string What)[] Known =
    [
        ("pg_stat_statements", "pg_stat_statements.max", false, "its views fail"),
        ("pg_stat_kcache", "pg_stat_kcache.linux_hz", false, "it counts nothing"),
        ("pg_wait_sampling", "pg_wait_sampling.history_size", false, "it samples nothing"),
        ("pg_qualstats", "pg_qualstats.max", false, "it samples nothing"),
        ("pg_partman", "pg_partman_bgw.interval", true, "no partitions are made in advance"),
    ];

    public string Id => nameof(TargetPreloadedLibraries);

    public string Group => CheckGroup.Target;

    public string Title => "The libraries that the source's extensions work by are loaded on the target";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        var used = (await source.ListAsync("SELECT extname FROM pg_extension", row => row.GetString(0), cancellationToken)).ToHashSet(StringComparer.Ordinal);
        var settings = await ServerSettings.OnceAsync(context, cancellationToken);
        var missing = Known.Where(one => used.Contains(one.Extension) && settings.Source.ContainsKey(one.Setting) && !settings.Target.ContainsKey(one.Setting)).ToList();
        if (missing.Count == 0)
        {
            return Finding.Pass("What the source's extensions need loaded is loaded on the target.");
        }

        var text = $"Not loaded on the target: {FindingText.Several(missing.ConvertAll(one => $"{one.Extension} ({one.What})"))}.";
        const string reason = "The extension can be made there all the same, and does not work.";
        var names = missing.ConvertAll(one => SqlName.Quote(one.Extension));
        return missing.Exists(one => one.IsNeeded)
            ? Finding.Warning(text, reason, "Have the target's operator add it to shared_preload_libraries (on PlanetScale: the cluster's extension settings) and restart.", names)
            : FindingText.Note(text, reason, names);
    }
}
