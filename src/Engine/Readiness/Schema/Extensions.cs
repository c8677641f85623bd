using HerokuMigrator.Catalog;
using Npgsql;

namespace HerokuMigrator.Readiness;

internal sealed class Extensions : IReadinessCheck
{
    /// <summary>
    /// The extensions of the source in the order in which they were made, which is one of dependence; each with some user objects that depend on it. What depends on it as a part of one of its own members
    /// (the rule of its view, the index of its table) is its own.
    /// </summary>
    private const string SourceSql = """
        SELECT x.extname, x.extversion, n.nspname,
               ARRAY(SELECT pg_describe_object(o.classid, o.objid, o.objsubid) FROM (SELECT DISTINCT d.classid, d.objid, d.objsubid
                     FROM pg_depend m JOIN pg_depend d ON d.refclassid = m.classid AND d.refobjid = m.objid AND d.deptype IN ('n', 'a')
                     WHERE m.refclassid = 'pg_extension'::regclass AND m.refobjid = x.oid AND m.deptype = 'e'
                       AND NOT EXISTS (SELECT FROM pg_depend o WHERE o.classid = d.classid AND o.objid = d.objid AND o.deptype = 'e')
                       AND NOT EXISTS (SELECT FROM pg_depend o JOIN pg_depend p ON p.classid = o.refclassid AND p.objid = o.refobjid AND p.deptype = 'e'
                                       WHERE o.classid = d.classid AND o.objid = d.objid AND o.deptype IN ('i', 'a'))
                     LIMIT 5) o),
               ARRAY(SELECT r.extname::text FROM pg_depend d JOIN pg_extension r ON r.oid = d.refobjid
                     WHERE d.classid = 'pg_extension'::regclass AND d.objid = x.oid AND d.refclassid = 'pg_extension'::regclass)
        FROM pg_extension x JOIN pg_namespace n ON n.oid = x.extnamespace
        WHERE x.extname <> 'plpgsql' ORDER BY x.oid
        """;

    private const string TargetSql = """
        SELECT a.name, coalesce(a.installed_version, a.default_version, ''), coalesce(a.default_version, ''), n.nspname, coalesce(x.extrelocatable, false)
        FROM pg_available_extensions a LEFT JOIN pg_extension x ON x.extname = a.name LEFT JOIN pg_namespace n ON n.oid = x.extnamespace
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

    private sealed record Installed(string Name, string Version, string Schema, string[] Dependents, string[] Requires);

    /// <param name="Version">The installed one, or else the one that would be installed.</param>
    /// <param name="Schema">Null where it is not installed.</param>
    private sealed record OnTarget(string Name, string Version, string Newest, string? Schema, bool Relocatable);

    /// <param name="Problem">Null where the extension can be made on the target.</param>
    private sealed record Outcome(Installed Extension, string? Problem, string? TargetVersion)
    {
        /// <summary>What mends it on the target; null where only the target's operator can tell.</summary>
        public string? Remedy { get; init; }

        /// <summary>The target has it in its catalogue, and not in this database.</summary>
        public bool IsAbsent { get; init; }

        public bool IsNeeded => Extension.Dependents.Length > 0;

        public override string ToString() =>
            $"{Extension.Name} ({Problem ?? $"{Extension.Version} on the source, {TargetVersion} on the target"}"
            + (Problem is not null && IsNeeded ? $"; needed by {FindingText.Several(Extension.Dependents)}" : "") + ")";
    }

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        var trials = await ExtensionTrial.ReadAllAsync(context, cancellationToken);
        await using var source = await context.OpenSourceAsync(cancellationToken);
        await using var target = await context.OpenTargetAsync(cancellationToken);
        var extensions = await source.ListAsync(
            SourceSql, row => new Installed(row.GetString(0), row.GetString(1), row.GetString(2), row.GetFieldValue<string[]>(3), row.GetFieldValue<string[]>(4)), cancellationToken);
        var available = (await target.ListAsync(
                TargetSql, row => new OnTarget(row.GetString(0), row.GetString(1), row.GetString(2), row.IsDBNull(3) ? null : row.GetString(3), row.GetBoolean(4)), cancellationToken))
            .ToDictionary(one => one.Name, StringComparer.Ordinal);
        var role = await CatalogQuestions.RoleAsync(target, cancellationToken);
        var outcomes = new List<Outcome>();
        foreach (var extension in extensions)
        {
            outcomes.Add(available.GetValueOrDefault(extension.Name) switch
            {
                null => new Outcome(extension, "not available on the target", null),
                { Schema: null } found => new Outcome(extension, trials[extension.Name].Refusal, found.Version)
                {
                    IsAbsent = true,
                    Remedy = $"{MakeSchema(extension, $" AUTHORIZATION {role}")}CREATE EXTENSION {SqlName.Quote(extension.Name)} WITH SCHEMA {SqlName.Quote(extension.Schema)}",
                },
                var found when found.Schema != extension.Schema => new Outcome(
                    extension, $"in the schema {SqlName.Quote(extension.Schema)} on the source, {SqlName.Quote(found.Schema)} on the target", found.Version) { Remedy = Move(extension, found) },
                var found => new Outcome(extension, null, found.Version)
                {
                    Remedy = found.Version != extension.Version && found.Version != found.Newest ? $"ALTER EXTENSION {SqlName.Quote(found.Name)} UPDATE" : null,
                },
            });
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
                $"The schema needs {FindingText.Count(needed.Count, "extension")} that the target cannot have as the source has {(needed.Count == 1 ? "it" : "them")}: {FindingText.Several(Texts(needed))}."
                + (missing.Count == needed.Count ? "" : $" It cannot have these either, which nothing in the schema needs: {FindingText.Several(Texts(missing.Except(needed)))}."),
                "Those objects cannot be made on the target.",
                Remedy(WithRequired(missing, outcomes), "Have the target's operator allow the extension, or remove what needs it from the source."),
                [.. Names(needed), .. Names(missing.Except(needed))]);
        }

        var called = missing.Where(one => !Watching.Contains(one.Extension.Name)).ToList();
        if (called.Count > 0)
        {
            return Finding.Warning(
                $"{FindingText.Count(called.Count, "extension")} cannot be made on the target as on the source: {FindingText.Several(Texts(called))}.",
                "Nothing in the schema depends on it, but functions and the application may call what it brings.",
                Remedy(WithRequired(called, outcomes), "Make sure that nothing uses it, or have the target's operator allow it."),
                [.. Names(called), .. Names(missing.Except(called))]);
        }

        var differing = outcomes.Where(one => one.Problem is null && one.TargetVersion != one.Extension.Version).ToList();
        if (differing.Where(one => one.Remedy is not null).ToList() is { Count: > 0 } old)
        {
            return Finding.Warning(
                $"{FindingText.Count(old.Count, "extension")} of the target {(old.Count == 1 ? "is" : "are")} not of the newest version there: {FindingText.Several(Texts(old))}.",
                "Functions and types that came with a later version may be missing.",
                Remedy(old, ""),
                Names(old));
        }

        return (missing.Count, differing.Count) switch
        {
            (0, 0) => Finding.Pass(outcomes.Count == 0 ? "The source has no extensions." : $"The target can have the source's extensions: {string.Join(", ", Names(outcomes))}."),
            (0, _) => FindingText.Note($"Versions differ: {FindingText.Several(Texts(differing))}.", "The target's version is used.", Names(differing)),
            _ => FindingText.Note($"Left out on the target: {FindingText.Several(Texts(missing))}.", "They watch the server; the application does not need them.", Names(missing)),
        };
    }

    /// <summary>pg_dump makes an extension only where there is none, and names what it brings with the source's schema.</summary>
    private static string Move(Installed extension, OnTarget found) =>
        MakeSchema(extension, "")
        + (found.Relocatable ? $"ALTER EXTENSION {SqlName.Quote(found.Name)} SET SCHEMA {SqlName.Quote(extension.Schema)}" : $"DROP EXTENSION {SqlName.Quote(found.Name)}");

    /// <summary>Procedural languages lie in pg_catalog, which is there and which nobody may make.</summary>
    private static string MakeSchema(Installed extension, string owner) =>
        extension.Schema.StartsWith("pg_", StringComparison.Ordinal) ? "" : $"CREATE SCHEMA IF NOT EXISTS {SqlName.Quote(extension.Schema)}{owner};\n";

    /// <summary>An extension is refused where one that it requires is not there yet, though the role may make that one itself.</summary>
    private static List<Outcome> WithRequired(IReadOnlyList<Outcome> chosen, List<Outcome> all)
    {
        var wanted = chosen.Select(one => one.Extension.Name).ToHashSet(StringComparer.Ordinal);
        // Each was made after what it requires.
        foreach (var one in Enumerable.Reverse(all).Where(one => wanted.Contains(one.Extension.Name)))
        {
            wanted.UnionWith(all.Where(other => other.IsAbsent && one.Extension.Requires.Contains(other.Extension.Name, StringComparer.Ordinal)).Select(other => other.Extension.Name));
        }

        return all.FindAll(one => wanted.Contains(one.Extension.Name));
    }

    private static string Remedy(IReadOnlyList<Outcome> outcomes, string otherwise)
    {
        var statements = outcomes.Select(one => one.Remedy).OfType<string>().ToList();
        return (statements.Count == 0 ? "" : $"-- on the target, as a superuser or as its platform lets you:\n{FindingText.Statements(statements)}")
            + (statements.Count < outcomes.Count && otherwise.Length > 0 ? (statements.Count == 0 ? "" : "\n-- ") + otherwise : "");
    }

    private static List<string> Texts(IEnumerable<Outcome> outcomes) => [.. outcomes.Select(one => one.ToString())];

    private static List<string> Names(IEnumerable<Outcome> outcomes) => [.. outcomes.Select(one => SqlName.Quote(one.Extension.Name))];
}
