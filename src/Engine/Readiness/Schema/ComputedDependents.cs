using System.Collections.Concurrent;
using HerokuMigrator.Catalog;
using Npgsql;

namespace HerokuMigrator.Readiness;

/// <summary>Something whose content a function computes, and the function that it calls.</summary>
/// <param name="Kind">index, check, generated column, materialized view, statistics, partition key.</param>
/// <param name="Name">Qualified and quoted; of a check and a column with its table.</param>
/// <param name="Constraint">The oid of a check; 0 for all else.</param>
internal sealed record Computed(string Kind, string Name, uint Constraint, uint Routine);

/// <param name="Name">As ALTER ROUTINE takes it.</param>
/// <param name="Body">Empty where there is nothing to be read: another language, or one that the server keeps parsed.</param>
internal sealed record Routine(uint Oid, string Schema, string PlainName, string Name, string Body, bool HasPath);

/// <summary>Which functions the indexes, checks, generated columns and materialized views call, and what those functions name in turn.</summary>
internal sealed class ComputedDependents
{
    private const string ComputedSql = $"""
        WITH RECURSIVE through AS (
            SELECT c.oid AS root, w.oid AS rule FROM pg_class c JOIN pg_rewrite w ON w.ev_class = c.oid WHERE c.relkind = 'm'
            UNION
            SELECT t.root, w.oid FROM through t JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = t.rule AND d.refclassid = 'pg_class'::regclass
            JOIN pg_class v ON v.oid = d.refobjid AND v.relkind = 'v' JOIN pg_rewrite w ON w.ev_class = v.oid),
        calls AS (
            SELECT CASE c.relkind WHEN 'p' THEN 'partition key' ELSE 'index' END AS kind, c.oid AS relation, '' AS part, d.refobjid AS routine, 0::oid AS check_oid
            FROM pg_depend d JOIN pg_class c ON c.oid = d.objid AND c.relkind IN ('i', 'I', 'p') WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_proc'::regclass
            UNION
            SELECT 'check', k.conrelid, k.conname, d.refobjid, k.oid FROM pg_depend d JOIN pg_constraint k ON k.oid = d.objid AND k.contype = 'c' AND k.conrelid <> 0
            WHERE d.classid = 'pg_constraint'::regclass AND d.refclassid = 'pg_proc'::regclass
            UNION
            SELECT 'generated column', a.attrelid, a.attname, d.refobjid, 0 FROM pg_depend d JOIN pg_attrdef f ON f.oid = d.objid
            JOIN pg_attribute a ON a.attrelid = f.adrelid AND a.attnum = f.adnum AND a.attgenerated <> '' WHERE d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_proc'::regclass
            UNION
            SELECT 'statistics', s.stxrelid, s.stxname, d.refobjid, 0 FROM pg_depend d JOIN pg_statistic_ext s ON s.oid = d.objid
            WHERE d.classid = 'pg_statistic_ext'::regclass AND d.refclassid = 'pg_proc'::regclass
            UNION
            SELECT 'materialized view', t.root, '', d.refobjid, 0 FROM through t JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = t.rule AND d.refclassid = 'pg_proc'::regclass)
        SELECT l.kind, n.nspname, c.relname, l.part, l.routine, l.check_oid FROM calls l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE {UserObjects.RelationFilter} ORDER BY 1, 2, 3, 4
        """;

    /// <summary>Functions of users and of extensions; a body that the server keeps parsed has no text.</summary>
    private const string RoutinesSql = """
        SELECT p.oid, n.nspname, p.proname, pg_get_function_identity_arguments(p.oid), CASE WHEN l.lanname IN ('sql', 'plpgsql') THEN coalesce(p.prosrc, '') ELSE '' END,
               coalesce(p.proconfig::text ~ 'search_path=', false)
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
        WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'bucardo', 'heroku_migrator')
        """;

    private const string RelationsSql =
        "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'";

    private const string TypesSql =
        "SELECT t.typname FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.typtype IN ('b', 'e', 'd', 'r') AND t.typelem = 0 AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'";

    private const string OwnNamesSql = "SELECT DISTINCT proname FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace UNION SELECT relname FROM pg_class WHERE relnamespace = 'pg_catalog'::regnamespace";

    private readonly Dictionary<uint, Routine> _routines;
    private readonly ILookup<string, Routine> _byName;
    private readonly HashSet<(string, string)> _relations;
    private readonly HashSet<string> _relationNames;
    private readonly HashSet<string> _types;
    private readonly HashSet<string> _own;

    /// <summary>Many indexes may call one function.</summary>
    private readonly ConcurrentDictionary<uint, RoutineText.Names> _texts = new();

    private ComputedDependents(IReadOnlyList<Computed> all, IReadOnlyList<Routine> routines, IReadOnlyList<(string Schema, string Name)> relations, IEnumerable<string> types, IEnumerable<string> own)
    {
        All = all;
        _routines = routines.ToDictionary(routine => routine.Oid);
        _byName = routines.ToLookup(routine => routine.PlainName, StringComparer.Ordinal);
        _relations = [.. relations];
        _relationNames = relations.Select(relation => relation.Name).ToHashSet(StringComparer.Ordinal);
        _types = types.ToHashSet(StringComparer.Ordinal);
        _own = own.ToHashSet(StringComparer.Ordinal);
    }

    /// <summary>Those that call a function of a user or an extension.</summary>
    public IReadOnlyList<Computed> All { get; }

    public static Task<ComputedDependents> OfAsync(ReadinessContext context, CancellationToken cancellationToken) =>
        context.OnceAsync(nameof(ComputedDependents), ReadAsync, cancellationToken);

    /// <summary>The functions that it calls, each with a name in its body that is found by a search path only; empty where all names are qualified.</summary>
    public IEnumerable<(Routine Routine, string Name)> RestingOnPath(Computed computed) =>
        Reached(computed).Where(routine => !routine.HasPath).Select(routine => (routine, Unqualified(Names(routine)))).Where(found => found.Item2 is not null)!;

    /// <summary>The tables that the functions read.</summary>
    public IEnumerable<(Routine Routine, string Table)> ReadingTables(Computed computed) =>
        from routine in Reached(computed)
        from name in Names(routine).Relations
        where name.Schema is null ? _relationNames.Contains(name.Text) && !_own.Contains(name.Text) : _relations.Contains((name.Schema, name.Text))
        select (routine, name.Text);

    private RoutineText.Names Names(Routine routine) => _texts.GetOrAdd(routine.Oid, _ => RoutineText.Read(routine.Body));

    private string? Unqualified(RoutineText.Names names) =>
        names.Calls.FirstOrDefault(name => name.Schema is null && _byName.Contains(name.Text) && !_own.Contains(name.Text))?.Text
        ?? names.Relations.FirstOrDefault(name => name.Schema is null && _relationNames.Contains(name.Text) && !_own.Contains(name.Text))?.Text
        ?? names.Types.FirstOrDefault(name => name.Schema is null && _types.Contains(name.Text))?.Text;

    /// <summary>The function itself, and those that it and they call.</summary>
    private HashSet<Routine> Reached(Computed computed)
    {
        var reached = new HashSet<Routine>();
        var next = new Stack<Routine>(_routines.TryGetValue(computed.Routine, out var first) ? [first] : []);
        while (next.TryPop(out var routine))
        {
            if (reached.Add(routine))
            {
                foreach (var called in Names(routine).Calls.Where(name => name.Schema is not null || !_own.Contains(name.Text))
                    .SelectMany(name => _byName[name.Text].Where(other => name.Schema is null || other.Schema == name.Schema)))
                {
                    next.Push(called);
                }
            }
        }

        return reached;
    }

    private static async Task<ComputedDependents> ReadAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        var routines = await source.ListAsync(
            RoutinesSql,
            row => new Routine(
                row.GetFieldValue<uint>(0), row.GetString(1), row.GetString(2), $"{SqlName.Qualify(row.GetString(1), row.GetString(2))}({row.GetString(3)})", row.GetString(4), row.GetBoolean(5)),
            cancellationToken);
        var known = routines.Select(routine => routine.Oid).ToHashSet();
        var computed = await source.ListAsync(ComputedSql, Read, cancellationToken);
        return new ComputedDependents(
            computed.FindAll(one => known.Contains(one.Routine)),
            routines,
            await source.ListAsync(RelationsSql, row => (row.GetString(0), row.GetString(1)), cancellationToken),
            await source.ListAsync(TypesSql, row => row.GetString(0), cancellationToken),
            await source.ListAsync(OwnNamesSql, row => row.GetString(0), cancellationToken));
    }

    private static Computed Read(NpgsqlDataReader row)
    {
        var (table, part) = (SqlName.Qualify(row.GetString(1), row.GetString(2)), row.GetString(3));
        return new Computed(row.GetString(0), part.Length == 0 ? table : $"{table}.{SqlName.Quote(part)}", row.GetFieldValue<uint>(5), row.GetFieldValue<uint>(4));
    }
}
