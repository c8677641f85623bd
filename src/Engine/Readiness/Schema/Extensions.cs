using HerokuMigrator.Catalog;
using Npgsql;

namespace HerokuMigrator.Readiness;

internal sealed class Extensions : IReadinessCheck
{
    /// <summary>
    /// The extensions of the source, each with some user objects that depend on it. What depends on it as a part of one of its own members
    /// (the rule of its view, the index of its table) is its own.
    /// </summary>
    private const string SourceSql = """
        SELECT x.extname, x.extversion, n.nspname,
               ARRAY(SELECT DISTINCT pg_describe_object(d.classid, d.objid, d.objsubid)
                     FROM pg_depend m JOIN pg_depend d ON d.refclassid = m.classid AND d.refobjid = m.objid AND d.deptype IN ('n', 'a')
                     WHERE m.refclassid = 'pg_extension'::regclass AND m.refobjid = x.oid AND m.deptype = 'e'
                       AND NOT EXISTS (SELECT FROM pg_depend o WHERE o.classid = d.classid AND o.objid = d.objid AND o.deptype = 'e')
                       AND NOT EXISTS (SELECT FROM pg_depend o JOIN pg_depend p ON p.classid = o.refclassid AND p.objid = o.refobjid AND p.deptype = 'e'
                                       WHERE o.classid = d.classid AND o.objid = d.objid AND o.deptype IN ('i', 'a'))
                     LIMIT 5)
        FROM pg_extension x JOIN pg_namespace n ON n.oid = x.extnamespace
        WHERE x.extname <> 'plpgsql' ORDER BY 1
        """;

    private const string TargetSql = """
        SELECT a.name, coalesce(a.installed_version, a.default_version, ''), a.installed_version IS NOT NULL FROM pg_available_extensions a
        """;

    /// <summary>They watch the server; an application does not call them.</summary>
    private static readonly HashSet<string> Watching = new(StringComparer.Ordinal)
    {
        "pg_stat_statements", "pg_buffercache", "pg_freespacemap", "pg_prewarm", "pg_visibility", "pg_walinspect", "pgrowlocks", "pgstattuple", "auto_explain",
        "amcheck", "pageinspect", "pg_repack", "pg_stat_kcache", "pg_wait_sampling", "pg_proctab", "hypopg", "pg_hint_plan", "adminpack", "plpgsql_check",
    };

    public string Id => nameof(Extensions);

    public string Group => CheckGroup.Schema;

    public string Title => "The target has the source's extensions";

    private sealed record Installed(string Name, string Version, string Schema, string[] Dependents);

    /// <param name="Problem">Null where the extension can be made on the target.</param>
    private sealed record Outcome(Installed Extension, string? Problem, string? TargetVersion)
    {
        public bool IsNeeded => Extension.Dependents.Length > 0;

        public override string ToString() =>
            $"{Extension.Name} ({Problem ?? $"{Extension.Version} on the source, {TargetVersion} on the target"}"
            + (Problem is not null && IsNeeded ? $"; needed by {FindingText.Several(Extension.Dependents)}" : "") + ")";
    }

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        await using var target = await context.OpenTargetAsync(cancellationToken);
        var extensions = await source.ListAsync(
            SourceSql, row => new Installed(row.GetString(0), row.GetString(1), row.GetString(2), row.GetFieldValue<string[]>(3)), cancellationToken);
        var available = (await target.ListAsync(TargetSql, row => (Name: row.GetString(0), Version: row.GetString(1), IsInstalled: row.GetBoolean(2)), cancellationToken))
            .ToDictionary(one => one.Name, StringComparer.Ordinal);
        var outcomes = new List<Outcome>();
        foreach (var extension in extensions)
        {
            outcomes.Add(!available.TryGetValue(extension.Name, out var found)
                ? new Outcome(extension, "not available on the target", null)
                : new Outcome(extension, found.IsInstalled ? null : await TryCreateAsync(target, extension, cancellationToken), found.Version));
        }

        return Judge(outcomes);
    }

    private static Finding Judge(List<Outcome> outcomes)
    {
        var missing = outcomes.Where(one => one.Problem is not null).ToList();
        var needed = missing.Where(one => one.IsNeeded).ToList();
        if (needed.Count > 0)
        {
            return Finding.Blocked(
                $"The schema needs {FindingText.Count(needed.Count, "extension")} that the target cannot have: {FindingText.Several(Texts(needed))}.",
                "Those objects cannot be made on the target.",
                "Have the target's operator allow the extension, or remove what needs it from the source.",
                Names(needed));
        }

        var called = missing.Where(one => !Watching.Contains(one.Extension.Name)).ToList();
        if (called.Count > 0)
        {
            return Finding.Warning(
                $"{FindingText.Count(called.Count, "extension")} cannot be made on the target: {FindingText.Several(Texts(called))}.",
                "Nothing in the schema depends on it, but functions and the application may call what it brings.",
                "Make sure that nothing uses it, or have the target's operator allow it.",
                Names(called));
        }

        var differing = outcomes.Where(one => one.Problem is null && one.TargetVersion != one.Extension.Version).ToList();
        return (missing.Count, differing.Count) switch
        {
            (0, 0) => Finding.Pass(outcomes.Count == 0 ? "The source has no extensions." : $"The target can have the source's extensions: {string.Join(", ", Names(outcomes))}."),
            (0, _) => FindingText.Note($"Versions differ: {FindingText.Several(Texts(differing))}.", "The target's version is used.", Names(differing)),
            _ => FindingText.Note($"Left out on the target: {FindingText.Several(Texts(missing))}.", "They watch the server; the application does not need them.", Names(missing)),
        };
    }

    /// <summary>Whether a role may make an extension is known by trying only: platforms have lists of their own.</summary>
    private static async Task<string?> TryCreateAsync(NpgsqlConnection target, Installed extension, CancellationToken cancellationToken)
    {
        var schema = SqlName.Quote(extension.Schema);
        var hasSchema = await target.ScalarAsync<bool>("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)", cancellationToken, extension.Schema);
        var create = $"CREATE EXTENSION {SqlName.Quote(extension.Name)} WITH SCHEMA {schema} CASCADE";
        var refusal = await Probe.TryAsync(target, cancellationToken, hasSchema ? [create] : [$"CREATE SCHEMA {schema}", create]);
        return refusal?.MessageText;
    }

    private static List<string> Texts(IEnumerable<Outcome> outcomes) => [.. outcomes.Select(one => one.ToString())];

    private static List<string> Names(IEnumerable<Outcome> outcomes) => [.. outcomes.Select(one => SqlName.Quote(one.Extension.Name))];
}
