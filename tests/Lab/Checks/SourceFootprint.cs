using Npgsql;

namespace HerokuMigrator.Lab;

/// <summary>
/// Everything about a database but its rows: the schema as pg_dump writes it, every privilege with its grantor, owners, settings, roles,
/// event triggers, publications, slots. Two captures of a database that nobody changed are equal.
/// </summary>
public sealed class SourceFootprint
{
    private static readonly string Privileges = $"""
        SELECT 'relation ' || c.oid::pg_catalog.regclass || ' (' || c.relkind::text || ') owner ' || c.relowner::pg_catalog.regrole || ' options ' || coalesce(c.reloptions::text, '')
            || ' acl ' || {Acl("coalesce(c.relacl, pg_catalog.acldefault(CASE c.relkind WHEN 'S' THEN 's'::\"char\" ELSE 'r'::\"char\" END, c.relowner))")}
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname !~ '^pg_(toast|temp)' AND c.relkind NOT IN ('i', 'I', 't', 'c')
        UNION ALL SELECT 'column ' || a.attrelid::pg_catalog.regclass || '.' || pg_catalog.quote_ident(a.attname) || ' acl ' || {Acl("a.attacl")}
            FROM pg_catalog.pg_attribute a WHERE pg_catalog.cardinality(a.attacl) > 0
        UNION ALL SELECT 'schema ' || n.oid::pg_catalog.regnamespace || ' owner ' || n.nspowner::pg_catalog.regrole || ' acl ' || {Acl("coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))")}
            FROM pg_catalog.pg_namespace n WHERE n.nspname !~ '^pg_(toast|temp)'
        UNION ALL SELECT 'function ' || p.oid::pg_catalog.regprocedure || ' owner ' || p.proowner::pg_catalog.regrole || ' acl ' || {Acl("coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))")}
            FROM pg_catalog.pg_proc p WHERE p.pronamespace <> 'pg_catalog'::pg_catalog.regnamespace
        UNION ALL SELECT 'type ' || t.oid::pg_catalog.regtype || ' owner ' || t.typowner::pg_catalog.regrole || ' acl ' || {Acl("coalesce(t.typacl, pg_catalog.acldefault('T', t.typowner))")}
            FROM pg_catalog.pg_type t WHERE t.typtype IN ('d', 'e', 'r', 'c') AND t.typnamespace::pg_catalog.regnamespace::text !~ '^pg_'
        UNION ALL SELECT 'default privileges of ' || d.defaclrole::pg_catalog.regrole || ' in ' || coalesce(nullif(d.defaclnamespace, 0)::pg_catalog.regnamespace::text, 'any schema')
            || ' on ' || d.defaclobjtype::text || ' acl ' || {Acl("d.defaclacl")} FROM pg_catalog.pg_default_acl d
        UNION ALL SELECT 'database owner ' || d.datdba::pg_catalog.regrole || ' connections ' || d.datconnlimit || ' ' || d.datallowconn::text || ' acl ' || {Acl("coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))")}
            FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()
        UNION ALL SELECT 'setting of ' || coalesce(nullif(s.setrole, 0)::pg_catalog.regrole::text, 'every role') || ' in ' || CASE s.setdatabase WHEN 0 THEN 'every database' ELSE 'this database' END || ' ' || s.setconfig::text
            FROM pg_catalog.pg_db_role_setting s WHERE s.setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())) AND (s.setrole = 0 OR s.setrole = ANY ($1))
        UNION ALL SELECT 'role ' || pg_catalog.quote_ident(r.rolname) || ' ' || pg_catalog.concat_ws(' ', r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcreatedb, r.rolcanlogin, r.rolreplication, r.rolbypassrls, r.rolconnlimit, r.rolvaliduntil, r.rolconfig::text)
            || ' member of ' || coalesce((SELECT pg_catalog.string_agg(m.roleid::pg_catalog.regrole::text || ' ' || m.admin_option::text, ',' ORDER BY m.roleid) FROM pg_catalog.pg_auth_members m WHERE m.member = r.oid), 'none')
            FROM pg_catalog.pg_roles r WHERE r.oid = ANY ($1)
        UNION ALL SELECT 'large object ' || m.oid || ' owner ' || m.lomowner::pg_catalog.regrole || ' acl ' || coalesce(m.lomacl, pg_catalog.acldefault('L', m.lomowner))::text FROM pg_catalog.pg_largeobject_metadata m
        UNION ALL SELECT 'event trigger ' || e.evtname || ' ' || e.evtenabled::text FROM pg_catalog.pg_event_trigger e
        UNION ALL SELECT 'publication ' || p.pubname FROM pg_catalog.pg_publication p
        UNION ALL SELECT 'replication slot ' || s.slot_name FROM pg_catalog.pg_replication_slots s WHERE s.database IS NULL OR s.database = pg_catalog.current_database()
        UNION ALL SELECT 'prepared transaction ' || x.gid FROM pg_catalog.pg_prepared_xacts x WHERE x.database = pg_catalog.current_database()
        UNION ALL SELECT 'trigger ' || t.tgname || ' on ' || t.tgrelid::pg_catalog.regclass || ' enabled ' || t.tgenabled::text FROM pg_catalog.pg_trigger t
        UNION ALL SELECT 'extension ' || e.extname || ' ' || e.extversion FROM pg_catalog.pg_extension e
        """;

    // On a server that several tests share, the roles of the other databases come and go.
    private const string RolesOfThisDatabase = """
        SELECT coalesce(array_agg(r.oid), '{}') FROM pg_catalog.pg_roles r
        WHERE r.rolname !~ '^pg_' AND coalesce(pg_catalog.shobj_description(r.oid, 'pg_authid'), 'of nobody') !~ '^lab database '
            OR pg_catalog.shobj_description(r.oid, 'pg_authid') = $1
        """;

    private SourceFootprint(string schemaText, IReadOnlyList<string> privileges)
    {
        SchemaText = schemaText;
        Lines = [.. SortPrivileges(schemaText.Split('\n')), .. privileges];
    }

    /// <summary>What pg_dump --schema-only wrote, privileges included, in its own order.</summary>
    public string SchemaText { get; }

    /// <summary>That text and the privileges, with those of one object in a fixed order: giving a privilege back may move it in the list, and means nothing.</summary>
    public IReadOnlyList<string> Lines { get; }

    public static Task<SourceFootprint> CaptureAsync(LabDatabase database, CancellationToken cancellationToken) =>
        CaptureAsync(database.Server, database.Name, cancellationToken);

    public static async Task<SourceFootprint> CaptureAsync(PostgresServer server, string database, CancellationToken cancellationToken)
    {
        var dump = await LabCommand.RunAsServerUserAsync(LabMachine.Tool("pg_dump"), ["--schema-only", .. server.AdminArguments(database)], input: null, cancellationToken);
        // Newer pg_dump writes a random word there.
        var schema = dump.Split('\n').Where(line => !line.StartsWith("\\restrict", StringComparison.Ordinal) && !line.StartsWith("\\unrestrict", StringComparison.Ordinal));
        return new SourceFootprint(string.Join('\n', schema), await ReadPrivilegesAsync(server, database, cancellationToken));
    }

    /// <summary>What this capture has and the other has not (-), and the reverse (+); empty where nothing differs.</summary>
    public IReadOnlyList<string> DifferencesTo(SourceFootprint later) => TextDifference.Between(Lines, later.Lines);

    private static List<string> SortPrivileges(string[] schema)
    {
        List<string> lines = [];
        List<string> block = [];
        foreach (var line in schema)
        {
            if (IsPrivilege(line))
            {
                block.Add(line);
            }
            else
            {
                lines.AddRange(block.Order(StringComparer.Ordinal));
                block.Clear();
                lines.Add(line);
            }
        }

        return lines;
    }

    private static bool IsPrivilege(string line) =>
        line.StartsWith("GRANT ", StringComparison.Ordinal)
        || line.StartsWith("REVOKE ", StringComparison.Ordinal)
        || line.StartsWith("SET SESSION AUTHORIZATION ", StringComparison.Ordinal)
        || line.StartsWith("RESET SESSION AUTHORIZATION", StringComparison.Ordinal);

    private static string Acl(string expression) => $"""
        (SELECT coalesce(pg_catalog.string_agg(pg_catalog.format('%s=%s%s/%s', coalesce(nullif(x.grantee, 0)::pg_catalog.regrole::text, 'PUBLIC'), x.privilege_type, CASE WHEN x.is_grantable THEN '*' END, x.grantor::pg_catalog.regrole), ' '
            ORDER BY x.grantee, x.grantor, x.privilege_type), 'none') FROM pg_catalog.aclexplode({expression}) x)
        """;

    private static async Task<List<string>> ReadPrivilegesAsync(PostgresServer server, string database, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(server.AdminConnectionString(database));
        await connection.OpenAsync(cancellationToken);
        await using (var pin = new NpgsqlCommand(CatalogQueries.PinSession, connection))
        {
            await pin.ExecuteNonQueryAsync(cancellationToken);
        }

        await using var findRoles = new NpgsqlCommand(RolesOfThisDatabase, connection) { Parameters = { new() { Value = LabDatabase.CommentOf(database) } } };
        var roles = (uint[])(await findRoles.ExecuteScalarAsync(cancellationToken))!;

        await using var command = new NpgsqlCommand(Privileges, connection)
        {
            Parameters = { new() { Value = roles, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Array | NpgsqlTypes.NpgsqlDbType.Oid } },
        };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        List<string> lines = [];
        while (await reader.ReadAsync(cancellationToken))
        {
            lines.Add(await reader.IsDBNullAsync(0, cancellationToken) ? "(null)" : reader.GetString(0));
        }

        lines.Sort(StringComparer.Ordinal);
        return lines;
    }
}
