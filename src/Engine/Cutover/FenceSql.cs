using System.Text;
using HerokuMigrator.Catalog;

namespace HerokuMigrator.Cutover;

/// <summary>The statements that build the fence, and those that take it away.</summary>
internal static class FenceSql
{
    private const string TableWrites = "INSERT, UPDATE, DELETE, TRUNCATE";
    private const string SequenceWrites = "USAGE, UPDATE";

    /// <summary>Relations a statement: enough to need few round trips, few enough to be read in an error.</summary>
    private const int Batch = 500;

    /// <summary>
    /// Comes first: an owner who has lost UPDATE, DELETE and TRUNCATE may no longer take this lock. Where one has given these up,
    /// it has one back until the REVOKE of the same transaction. Reads go on.
    /// </summary>
    public static IEnumerable<string> Lock(FenceRecord record)
    {
        var writable = record.Relations.Where(relation => !relation.IsSequence && AllGrants(relation).Any(grant => IsWrite(relation, grant))).ToList();
        foreach (var relation in writable.Where(relation => !relation.Grants.Any(grant => grant.Grantee == relation.Owner && grant.Privilege is ("UPDATE" or "DELETE" or "TRUNCATE"))))
        {
            yield return $"GRANT UPDATE ON {Qualified(relation)} TO {SqlName.Quote(relation.Owner)}";
        }

        foreach (var batch in writable.Chunk(Batch))
        {
            yield return $"LOCK TABLE {string.Join(", ", batch.Select(relation => "ONLY " + Qualified(relation)))} IN SHARE ROW EXCLUSIVE MODE";
        }
    }

    public static IEnumerable<string> Revoke(FenceRecord record)
    {
        foreach (var (sequences, keyword, privileges) in new[] { (false, "TABLE", TableWrites), (true, "SEQUENCE", SequenceWrites) })
        {
            foreach (var batch in record.Relations.Where(relation => relation.IsSequence == sequences).Chunk(Batch))
            {
                var grantees = batch.SelectMany(AllGrants)
                    .Select(grant => grant.Grantee).Concat(batch.Select(relation => relation.Owner)).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal);
                yield return $"REVOKE {privileges} ON {keyword} {string.Join(", ", batch.Select(Qualified))} FROM {string.Join(", ", grantees.Select(Role))} CASCADE";
            }
        }

        foreach (var sql in LargeObjectFenceSql.Revoke(record))
        {
            yield return sql;
        }

        foreach (var role in record.Roles)
        {
            yield return $"ALTER ROLE {SqlName.Quote(role.Role)} IN DATABASE {SqlName.Quote(record.Database)} SET default_transaction_read_only = on";
        }
    }

    public static IEnumerable<string> RestoreRoles(FenceRecord record) =>
        record.Roles.Select(role => $"ALTER ROLE {SqlName.Quote(role.Role)} IN DATABASE {SqlName.Quote(record.Database)} " + (role.ReadOnlyBefore is { } before
            ? "SET default_transaction_read_only = " + SqlName.Literal(before)
            : "RESET default_transaction_read_only"));

    /// <summary>Gives back what the fence took, each grant by the role that had given it, in the old order.</summary>
    public static IEnumerable<string> Restore(FencedRelation relation) => GrantAll(relation, onlyWrites: true);

    /// <summary>Builds the access list anew where its order differs: dumps and comparisons show the order.</summary>
    public static IEnumerable<string> Rebuild(FencedRelation relation)
    {
        var grantees = relation.Grants.Select(grant => grant.Grantee).Append(relation.Owner).Distinct(StringComparer.Ordinal).Select(Role);
        yield return $"REVOKE ALL ON {Keyword(relation)} {Qualified(relation)} FROM {string.Join(", ", grantees)} CASCADE";
        foreach (var sql in GrantAll(relation, onlyWrites: false))
        {
            yield return sql;
        }
    }

    /// <summary>The whole undo as a script that psql runs without this program.</summary>
    public static string UndoScript(FenceRecord record)
    {
        var script = new StringBuilder();
        script.AppendLine("-- Takes the write fence of HerokuMigrator away: run it with psql on the source, as the role that migrated.");
        script.AppendLine("SET default_transaction_read_only = off;").AppendLine("BEGIN READ WRITE;");
        foreach (var relation in record.Relations)
        {
            foreach (var sql in Grants(relation, relation.Grants, "", onlyWrites: true))
            {
                script.Append(sql).AppendLine(";");
            }

            foreach (var (column, grants) in relation.ColumnGrants)
            {
                AppendWhereColumnIs(script, relation, column, Grants(relation, grants, $" ({SqlName.Quote(column)})", onlyWrites: true));
            }
        }

        foreach (var sql in record.LargeObjects.SelectMany(LargeObjectFenceSql.Restore).Concat(RestoreRoles(record)))
        {
            script.Append(sql).AppendLine(";");
        }

        return script.AppendLine("COMMIT;").ToString();
    }

    /// <summary>A column that was dropped meanwhile, or renamed, must not keep the rest from being restored.</summary>
    private static void AppendWhereColumnIs(StringBuilder script, FencedRelation relation, string column, IEnumerable<string> statements)
    {
        var body = string.Join(' ', statements.Select(sql => sql + ";"));
        if (body.Length > 0)
        {
            var condition = $"EXISTS (SELECT FROM pg_attribute WHERE attrelid = {SqlName.Literal(Qualified(relation))}::regclass AND attname = {SqlName.Literal(column)} AND NOT attisdropped)";
            script.Append("DO ").Append(SqlName.Literal($"BEGIN IF {condition} THEN {body} END IF; END")).AppendLine(";");
        }
    }

    private static IEnumerable<string> GrantAll(FencedRelation relation, bool onlyWrites)
    {
        foreach (var sql in Grants(relation, relation.Grants, "", onlyWrites))
        {
            yield return sql;
        }

        foreach (var (column, grants) in relation.ColumnGrants)
        {
            foreach (var sql in Grants(relation, grants, $" ({SqlName.Quote(column)})", onlyWrites))
            {
                yield return sql;
            }
        }
    }

    private static IEnumerable<string> Grants(FencedRelation relation, IReadOnlyList<Grant> grants, string column, bool onlyWrites)
    {
        foreach (var group in grants.Where(grant => !onlyWrites || IsWrite(relation, grant)).GroupBy(grant => (grant.Grantor, grant.Grantee, grant.Grantable)))
        {
            var grant = $"GRANT {string.Join(", ", group.Select(one => one.Privilege + column))} ON {Keyword(relation)} {Qualified(relation)} TO {Role(group.Key.Grantee)}"
                + (group.Key.Grantable ? " WITH GRANT OPTION" : "");
            if (group.Key.Grantor == relation.Owner)
            {
                yield return grant;
                continue;
            }

            yield return "SET LOCAL ROLE " + SqlName.Quote(group.Key.Grantor);
            yield return grant;
            yield return "RESET ROLE";
        }
    }

    private static IEnumerable<Grant> AllGrants(FencedRelation relation) => relation.Grants.Concat(relation.ColumnGrants.Values.SelectMany(grants => grants));

    private static bool IsWrite(FencedRelation relation, Grant grant) =>
        relation.IsSequence ? grant.Privilege is "USAGE" or "UPDATE" : grant.Privilege is "INSERT" or "UPDATE" or "DELETE" or "TRUNCATE";

    private static string Keyword(FencedRelation relation) => relation.IsSequence ? "SEQUENCE" : "TABLE";

    private static string Qualified(FencedRelation relation) => SqlName.Qualify(relation.Schema, relation.Name);

    private static string Role(string grantee) => grantee.Length == 0 ? "PUBLIC" : SqlName.Quote(grantee);
}
