namespace HerokuMigrator.Readiness;

internal sealed class SearchPathDependents : IReadinessCheck
{
    /// <summary>From here on CREATE INDEX, REFRESH and ANALYZE run with a search path of their own, whatever the session says.</summary>
    private const int SafePathSince = 17;

    public string Id => nameof(SearchPathDependents);

    public string Group => CheckGroup.Schema;

    public string Title => "Nothing that is computed rests on the search path";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        var dependents = await ComputedDependents.OfAsync(context, cancellationToken);
        var found = dependents.All.SelectMany(computed => dependents.RestingOnPath(computed).Select(one => (Computed: computed, one.Routine, one.Name))).ToList();
        if (found.Count == 0)
        {
            return Finding.Pass("No index, check, generated column or materialized view calls a function that finds names by the search path.");
        }

        await using var target = await context.OpenTargetAsync(cancellationToken);
        var major = await ServerVersions.MajorAsync(target, cancellationToken);
        var path = (await context.Session.ReadApplicationSettingsAsync(cancellationToken)).SearchPath;
        var names = found.Select(one => one.Computed.Name).Distinct(StringComparer.Ordinal).ToList();
        var text = $"{FindingText.Count(names.Count, "index, check, column or view rests", "indexes, checks, columns or views rest")} on the search path: "
            + FindingText.Several(found.ConvertAll(one => $"{one.Computed.Kind} {one.Computed.Name} (the function {one.Routine.Name} names {one.Name} without its schema)")) + ".";
        var remedy = "-- on the source; it locks no table. A function of an extension is mended by a newer version of that:\n"
            + FindingText.Statements(found.Select(one => $"ALTER ROUTINE {one.Routine.Name} SET search_path = {path}"));
        return major >= SafePathSince
            ? Finding.Warning(
                text,
                $"The target runs PostgreSQL {major}, which builds indexes, analyses and refreshes under the path pg_catalog, pg_temp, whatever a session sets: an index on rows could not be built, which ends the start after the copy, and a view not be refreshed.",
                remedy,
                names)
            : FindingText.Note(
                text,
                "The migration computes them on the target under the source's search path. A restore of a dump, and PostgreSQL 17 and newer, do not.",
                names) with
            {
                Remedy = remedy,
            };
    }
}
