namespace HerokuMigrator.Catalog;

/// <summary>The one place that says which schemas and relations belong to the user, in SQL.</summary>
internal static class UserObjects
{
    /// <summary>For a pg_namespace aliased <c>n</c>: neither the server's, nor Heroku's own (_heroku), nor ours.</summary>
    public const string SchemaFilter =
        "n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', '_heroku', 'bucardo', 'heroku_migrator')";

    /// <summary>For a pg_class aliased <c>c</c> in a schema aliased <c>n</c>: not of an extension, not temporary.</summary>
    public const string RelationFilter =
        SchemaFilter + " AND c.relpersistence <> 't' AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass"
        + " AND e.objid = c.oid AND e.deptype = 'e')";

    /// <summary>For a pg_largeobject_metadata aliased <c>m</c>: not of an extension.</summary>
    public const string LargeObjectFilter =
        "NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_largeobject'::regclass AND e.objid = m.oid AND e.deptype = 'e')";

    /// <summary>For a pg_proc aliased <c>p</c> in a schema aliased <c>n</c>: not of an extension.</summary>
    public const string RoutineFilter =
        SchemaFilter + " AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid AND e.deptype = 'e')";
}
