namespace HerokuMigrator.Lab;

/// <summary>What two databases are compared by. Each query gives (kind, name, definition); names and definitions are schema-qualified, as search_path is empty.</summary>
internal static class CatalogQueries
{
    /// <summary>Everything in the session that changes how a value is printed.</summary>
    public const string PinSession = """
        SET search_path = '';
        SET TimeZone = 'UTC';
        SET DateStyle = 'ISO, MDY';
        SET IntervalStyle = 'postgres';
        SET extra_float_digits = 3;
        SET bytea_output = 'hex';
        SET xmloption = 'content';
        SET lc_monetary = 'C';
        SET row_security = off;
        SET statement_timeout = 0;
        SET default_transaction_read_only = off;
        """;

    /// <summary>Schemas that people made; those of the migration's own machinery are none.</summary>
    private const string UserSchema = """
        (n.nspname NOT LIKE 'pg\_%' AND n.nspname NOT IN ('information_schema', 'bucardo', 'heroku_migrator', 'heroku_ext'))
        """;

    private const string NotOfExtension = "NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.objid = {0} AND e.classid = '{1}'::pg_catalog.regclass AND e.deptype = 'e')";

    /// <summary>Relations with rows of their own, with the expression list that makes a row comparable: columns by name, whatever their order.</summary>
    public static readonly string Tables = $"""
        SELECT pg_catalog.format('%I.%I', n.nspname, c.relname), c.relkind::text,
            coalesce((SELECT pg_catalog.string_agg(pg_catalog.format('%I', a.attname), ', ' ORDER BY a.attname COLLATE "C")
                FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), '')
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE {UserSchema} AND (c.relkind = 'r' OR c.relkind = 'm' AND c.relispopulated) AND {Owned("c.oid", "pg_class")}
        """;

    public static readonly string Sequences = $"""
        SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE {UserSchema} AND c.relkind = 'S' AND {Owned("c.oid", "pg_class")}
        """;

    public const string Machinery = """
        SELECT 'schema ' || nspname FROM pg_catalog.pg_namespace WHERE nspname IN ('bucardo', 'heroku_migrator')
        UNION ALL SELECT 'trigger ' || tgname || ' on ' || tgrelid::pg_catalog.regclass FROM pg_catalog.pg_trigger WHERE tgname ~ '^(bucardo|heroku_migrator)'
        UNION ALL SELECT 'function ' || oid::pg_catalog.regprocedure FROM pg_catalog.pg_proc WHERE proname ~ '^(bucardo|heroku_migrator)'
        """;

    public static readonly IReadOnlyList<string> Objects =
    [
        $"SELECT 'schema', n.nspname::text, coalesce(pg_catalog.obj_description(n.oid, 'pg_namespace'), '') FROM pg_catalog.pg_namespace n WHERE {UserSchema}",
        $"""
        SELECT 'relation', pg_catalog.format('%I.%I', n.nspname, c.relname), pg_catalog.concat_ws(' ', 'kind', c.relkind, 'persistence', c.relpersistence, 'identity', c.relreplident,
            'row security', c.relrowsecurity, c.relforcerowsecurity, 'options', c.reloptions::text, 'populated', c.relispopulated,
            'bound', pg_catalog.pg_get_expr(c.relpartbound, c.oid), 'partitioned by', pg_catalog.pg_get_partkeydef(c.oid),
            'parents', (SELECT pg_catalog.string_agg(i.inhparent::pg_catalog.regclass::text, ',' ORDER BY i.inhseqno) FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid),
            'comment', pg_catalog.obj_description(c.oid, 'pg_class'))
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE {UserSchema} AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND {Owned("c.oid", "pg_class")}
        """,
        $"""
        SELECT 'column', pg_catalog.format('%I.%I.%I', n.nspname, c.relname, a.attname), pg_catalog.concat_ws(' ', pg_catalog.format_type(a.atttypid, a.atttypmod), 'not null', a.attnotnull,
            'identity', a.attidentity, 'generated', a.attgenerated, 'storage', a.attstorage, 'statistics', nullif(a.attstattarget, -1), 'default', pg_catalog.pg_get_expr(d.adbin, d.adrelid),
            'comment', pg_catalog.col_description(c.oid, a.attnum))
        FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE {UserSchema} AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c') AND a.attnum > 0 AND NOT a.attisdropped AND {Owned("c.oid", "pg_class")} AND {Owned("c.reltype", "pg_type")}
        """,
        $"""
        SELECT 'index', i.indexrelid::pg_catalog.regclass::text, pg_catalog.concat_ws(' ', pg_catalog.pg_get_indexdef(i.indexrelid), 'valid', i.indisvalid, 'ready', i.indisready, 'identity', i.indisreplident, 'clustered', i.indisclustered)
        FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE {UserSchema} AND {Owned("c.oid", "pg_class")}
        """,
        $"""
        SELECT 'constraint', pg_catalog.concat_ws('.', nullif(c.conrelid, 0)::pg_catalog.regclass, nullif(c.contypid, 0)::pg_catalog.regtype, pg_catalog.quote_ident(c.conname)),
            pg_catalog.concat_ws(' ', pg_catalog.pg_get_constraintdef(c.oid), 'valid', c.convalidated, 'inherited', c.coninhcount, c.conislocal)
        FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_namespace n ON n.oid = c.connamespace
        WHERE {UserSchema} AND c.contype <> 't' AND {Owned("c.conrelid", "pg_class")} AND {Owned("c.contypid", "pg_type")}
        """,
        $"""
        SELECT 'trigger', pg_catalog.format('%s.%I', t.tgrelid::pg_catalog.regclass, t.tgname), pg_catalog.concat_ws(' ', pg_catalog.pg_get_triggerdef(t.oid), 'enabled', t.tgenabled)
        FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid JOIN pg_catalog.pg_namespace f ON f.oid = p.pronamespace
        WHERE {UserSchema} AND NOT t.tgisinternal AND f.nspname NOT IN ('bucardo', 'heroku_migrator') AND {Owned("c.oid", "pg_class")}
        """,
        $"""
        SELECT 'foreign key trigger', pg_catalog.format('%s.%I.%s', t.tgrelid::pg_catalog.regclass, k.conname, t.tgfoid::pg_catalog.regproc), 'enabled ' || pg_catalog.string_agg(t.tgenabled::text, ',' ORDER BY t.tgenabled)
        FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_constraint k ON k.oid = t.tgconstraint JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE {UserSchema} AND t.tgisinternal AND {Owned("c.oid", "pg_class")} GROUP BY t.tgrelid, k.conname, t.tgfoid
        """,
        $"""
        SELECT 'rule', pg_catalog.format('%s.%I', r.ev_class::pg_catalog.regclass, r.rulename), pg_catalog.pg_get_ruledef(r.oid)
        FROM pg_catalog.pg_rewrite r JOIN pg_catalog.pg_class c ON c.oid = r.ev_class JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE {UserSchema} AND {Owned("c.oid", "pg_class")}
        """,
        $"""
        SELECT 'function', p.oid::pg_catalog.regprocedure::text, pg_catalog.concat_ws(' ', CASE p.prokind WHEN 'a' THEN p.prosrc ELSE pg_catalog.pg_get_functiondef(p.oid) END, 'comment', pg_catalog.obj_description(p.oid, 'pg_proc'))
        FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
        WHERE {UserSchema} AND {Owned("p.oid", "pg_proc")}
        """,
        $"""
        SELECT 'type', pg_catalog.format('%I.%I', n.nspname, t.typname), pg_catalog.concat_ws(' ', t.typtype, pg_catalog.format_type(nullif(t.typbasetype, 0), t.typtypmod), 'not null', t.typnotnull, 'default', t.typdefault,
            (SELECT pg_catalog.string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder) FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid))
        FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
        WHERE {UserSchema} AND t.typtype IN ('d', 'e', 'r') AND {Owned("t.oid", "pg_type")}
        """,
        $"""
        SELECT 'policy', pg_catalog.format('%s.%I', p.polrelid::pg_catalog.regclass, p.polname), pg_catalog.concat_ws(' ', p.polcmd, p.polpermissive, 'using', pg_catalog.pg_get_expr(p.polqual, p.polrelid), 'check', pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid))
        FROM pg_catalog.pg_policy p JOIN pg_catalog.pg_class c ON c.oid = p.polrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE {UserSchema}
        """,
        $"""
        SELECT 'sequence', pg_catalog.format('%I.%I', n.nspname, c.relname), pg_catalog.concat_ws(' ', s.seqtypid::pg_catalog.regtype, s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, s.seqcycle,
            (SELECT pg_catalog.format('owned by %s.%I %s', d.refobjid::pg_catalog.regclass, a.attname, d.deptype) FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
             WHERE d.objid = c.oid AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0))
        FROM pg_catalog.pg_sequence s JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE {UserSchema} AND {Owned("c.oid", "pg_class")}
        """,
        $"""
        SELECT 'statistics', pg_catalog.format('%I.%I', n.nspname, s.stxname), pg_catalog.pg_get_statisticsobjdef(s.oid)
        FROM pg_catalog.pg_statistic_ext s JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace WHERE {UserSchema}
        """,
    ];

    private static string Owned(string oid, string catalog) => string.Format(provider: null, NotOfExtension, oid, $"pg_catalog.{catalog}");
}
