using HerokuMigrator.Catalog;

namespace HerokuMigrator.Verification;

/// <summary>
/// What the two schemas are compared by: one query a kind, each giving name, the word that a statement about it would hold, and definition.
/// Names are qualified, as the sessions' search path is pg_catalog alone.
/// </summary>
internal static class ObjectQueries
{
    private const string Relation = "format('%I.%I', n.nspname, c.relname)";

    public const string Sequence = "Sequence";

    /// <param name="sameVersion">Servers of different versions print queries and bodies in different ways: these are left out then.</param>
    public static IReadOnlyList<(string Kind, string Sql)> All(bool sameVersion) =>
    [
        ("Extension", "SELECT quote_ident(extname), quote_ident(extname), extversion FROM pg_extension WHERE extname <> 'plpgsql'"),
        ("Type", Types),
        ("Table", $"""
            SELECT {Relation}, {Relation}, concat_ws(' ', 'kind', c.relkind, 'persistence', c.relpersistence, 'replica identity', c.relreplident,
                'row security', c.relrowsecurity, c.relforcerowsecurity, 'options', c.reloptions::text, pg_get_expr(c.relpartbound, c.oid), pg_get_partkeydef(c.oid),
                (SELECT 'of ' || string_agg(i.inhparent::regclass::text, ', ' ORDER BY i.inhseqno) FROM pg_inherits i WHERE i.inhrelid = c.oid))
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'f') AND {UserObjects.RelationFilter}
            """),
        ("Column", $"""
            SELECT {Relation} || '.' || quote_ident(a.attname), {Relation}, concat_ws(' ', format_type(a.atttypid, a.atttypmod),
                (SELECT 'collation ' || quote_ident(l.collname) FROM pg_collation l JOIN pg_type t ON t.oid = a.atttypid WHERE l.oid = a.attcollation AND a.attcollation <> t.typcollation),
                CASE WHEN a.attnotnull THEN 'not null' END, CASE a.attidentity WHEN '' THEN NULL ELSE 'identity ' || a.attidentity::text END,
                CASE WHEN a.attgenerated <> '' THEN 'generated' ELSE 'default' END || ' ' || pg_get_expr(d.adbin, d.adrelid))
            FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
            WHERE c.relkind IN ('r', 'p', 'f') AND a.attnum > 0 AND NOT a.attisdropped AND {UserObjects.RelationFilter}
            """),
        ("Index", $"""
            SELECT x.oid::regclass::text, quote_ident(x.relname), pg_get_indexdef(x.oid) || CASE WHEN i.indisvalid AND i.indisready AND i.indislive THEN '' ELSE ' (not valid)' END
            FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {UserObjects.RelationFilter}
            """),
        ("Constraint", $"""
            SELECT {Relation} || '.' || quote_ident(k.conname), quote_ident(k.conname), pg_get_constraintdef(k.oid)
            FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE k.contype IN ('p', 'u', 'f', 'c', 'x') AND c.relkind IN ('r', 'p', 'f') AND {UserObjects.RelationFilter}
            """),
        (Sequence, $"""
            SELECT {Relation}, {Relation}, concat_ws(' ', s.seqtypid::regtype, 'start', s.seqstart, 'increment', s.seqincrement, 'from', s.seqmin, 'to', s.seqmax, 'cache', s.seqcache, 'cycle', s.seqcycle,
                (SELECT format('owned by %s.%I', d.refobjid::regclass, a.attname) FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
                 WHERE d.objid = c.oid AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0))
            FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {UserObjects.RelationFilter}
            """),
        ("View", $"""
            SELECT {Relation}, {Relation}, concat_ws(' ', 'kind', c.relkind, 'options', c.reloptions::text,
                (SELECT string_agg(quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
                {(sameVersion ? ", 'AS', pg_get_viewdef(c.oid)" : "")})
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('v', 'm') AND {UserObjects.RelationFilter}
            """),
        ("Function", $"""
            SELECT p.oid::regprocedure::text, quote_ident(p.proname), concat_ws(' ', 'kind', p.prokind, 'returns', pg_get_function_result(p.oid), 'language', (SELECT lanname FROM pg_language l WHERE l.oid = p.prolang),
                p.provolatile, 'strict', p.proisstrict, 'definer', p.prosecdef, 'parallel', p.proparallel, 'settings', p.proconfig::text,
                {(sameVersion ? "CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) END" : "p.prosrc")})
            FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {UserObjects.RoutineFilter}
            """),
        ("Trigger", $"""
            SELECT {Relation} || '.' || quote_ident(t.tgname), quote_ident(t.tgname), pg_get_triggerdef(t.oid) || ' (' || CASE t.tgenabled WHEN 'O' THEN 'enabled' WHEN 'D' THEN 'disabled' WHEN 'A' THEN 'always' ELSE 'replica' END || ')'
            FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace f ON f.oid = p.pronamespace
            WHERE NOT t.tgisinternal AND f.nspname NOT IN ('bucardo', 'heroku_migrator') AND {UserObjects.RelationFilter}
            UNION ALL
            SELECT 'event trigger ' || quote_ident(e.evtname), quote_ident(e.evtname), concat_ws(' ', e.evtevent, e.evtenabled, e.evttags::text, e.evtfoid::regproc)
            FROM pg_event_trigger e WHERE NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_event_trigger'::regclass AND x.objid = e.oid AND x.deptype = 'e')
            """),
        ("Rule", $"""
            SELECT {Relation} || '.' || quote_ident(r.rulename), quote_ident(r.rulename), concat_ws(' ', r.ev_type, r.ev_enabled, 'instead', r.is_instead{(sameVersion ? ", pg_get_ruledef(r.oid)" : "")})
            FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace WHERE r.rulename <> '_RETURN' AND {UserObjects.RelationFilter}
            """),
        ("Policy", $"""
            SELECT {Relation} || '.' || quote_ident(p.polname), quote_ident(p.polname), concat_ws(' ', p.polcmd, p.polpermissive, 'using', pg_get_expr(p.polqual, p.polrelid), 'check', pg_get_expr(p.polwithcheck, p.polrelid))
            FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {UserObjects.RelationFilter}
            """),
    ];

    private const string Types = $"""
        SELECT format('%I.%I', n.nspname, t.typname), format('%I.%I', n.nspname, t.typname), concat_ws(' ', t.typtype, format_type(nullif(t.typbasetype, 0), t.typtypmod), 'not null', t.typnotnull, t.typdefault,
            (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid),
            (SELECT string_agg(pg_get_constraintdef(k.oid), ', ' ORDER BY k.conname) FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c'),
            (SELECT string_agg(quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum) FROM pg_attribute a WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND NOT a.attisdropped))
        FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_class c ON c.oid = t.typrelid
        WHERE (t.typtype IN ('d', 'e', 'r') OR (t.typtype = 'c' AND c.relkind = 'c')) AND {UserObjects.SchemaFilter}
          AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_type'::regclass AND e.objid = t.oid AND e.deptype = 'e')
        """;
}
