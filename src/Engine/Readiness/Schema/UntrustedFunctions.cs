using HerokuMigrator.Catalog;

namespace HerokuMigrator.Readiness;

internal sealed class UntrustedFunctions : IReadinessCheck
{
    /// <summary>Without the functions of a base type, which go with it (SuperuserObjects tells of that), and the constructors of range types, which come with the type.</summary>
    private const string Sql = $"""
        SELECT n.nspname, p.proname, pg_get_function_identity_arguments(p.oid), l.lanname
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
        WHERE (NOT l.lanpltrusted AND l.lanname NOT IN ('sql', 'internal') OR l.lanname = 'internal' AND p.prokind <> 'a')
          AND NOT EXISTS (SELECT FROM pg_type t WHERE t.typtype = 'b' AND p.oid IN (t.typinput, t.typoutput, t.typreceive, t.typsend, t.typmodin, t.typmodout, t.typanalyze))
          AND NOT EXISTS (SELECT FROM pg_depend t WHERE t.classid = 'pg_proc'::regclass AND t.objid = p.oid AND t.refclassid = 'pg_type'::regclass AND t.deptype IN ('i', 'a'))
          AND {UserObjects.RoutineFilter} ORDER BY 1, 2, 3
        """;

    public string Id => nameof(UntrustedFunctions);

    public string Group => CheckGroup.Schema;

    public string Title => "Functions in languages that only a superuser may use";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        var found = await source.ListAsync(
            Sql, row => (Name: $"{SqlName.Qualify(row.GetString(0), row.GetString(1))}({row.GetString(2)})", Language: row.GetString(3)), cancellationToken);
        if (found.Count == 0)
        {
            return Finding.Pass("Every function is in a language that ordinary roles may use.");
        }

        await using var target = await context.OpenTargetAsync(cancellationToken);
        var known = (await target.ListAsync(
                "SELECT lanname, has_language_privilege(oid, 'USAGE') AND (lanpltrusted OR (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)) FROM pg_language",
                row => (Name: row.GetString(0), Usable: row.GetBoolean(1)), cancellationToken))
            .ToDictionary(one => one.Name, one => one.Usable, StringComparer.Ordinal);
        // A language that the target does not have yet comes by its extension, if at all; by whom it may be used is told by its being untrusted.
        var refused = found.FindAll(one => !known.GetValueOrDefault(one.Language));
        var names = found.ConvertAll(one => one.Name);
        return refused.Count == 0
            ? FindingText.Note(
                $"{FindingText.Count(found.Count, "function is", "functions are")} in a language that only a superuser may use, as the target's role is: {FindingText.Several(found.ConvertAll(Text))}.",
                "What such a function calls on its server (files, libraries, programs) is not moved.",
                names)
            : Finding.Blocked(
                $"The target's role may not make {FindingText.Count(refused.Count, "function")}: {FindingText.Several(refused.ConvertAll(Text))}.",
                "A function in such a language can be made by a superuser only; the start ends with that error.",
                "-- on the source, once nothing calls them any more (rewrite them in plpgsql or sql):\n" + FindingText.Statements(refused.Select(one => "DROP ROUTINE " + one.Name)),
                refused.ConvertAll(one => one.Name));
    }

    private static string Text((string Name, string Language) function) => $"{function.Name} ({function.Language})";
}
