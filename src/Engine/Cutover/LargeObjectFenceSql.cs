using System.Globalization;
using HerokuMigrator.Catalog;

namespace HerokuMigrator.Cutover;

/// <summary>What the fence does about large objects. One that was unlinked meanwhile keeps no other from its turn.</summary>
internal static class LargeObjectFenceSql
{
    /// <summary>Objects a statement.</summary>
    private const int Batch = 5000;

    public static IEnumerable<string> Revoke(FenceRecord record) => record.LargeObjects.SelectMany(group =>
        Each(group, object_ => $"REVOKE UPDATE ON LARGE OBJECT {object_} FROM {Grantees(group)} CASCADE"));

    /// <summary>Gives UPDATE back, each grant by the role that had given it, in the old order.</summary>
    public static IEnumerable<string> Restore(FencedLargeObjects group) => Grants(group, group.Grants.Where(grant => grant.Privilege == "UPDATE"));

    /// <summary>Builds the access list anew where its order differs.</summary>
    public static IEnumerable<string> Rebuild(FencedLargeObjects group) =>
        Each(group, object_ => $"REVOKE ALL ON LARGE OBJECT {object_} FROM {Grantees(group)} CASCADE").Concat(Grants(group, group.Grants));

    private static IEnumerable<string> Grants(FencedLargeObjects group, IEnumerable<Grant> grants)
    {
        foreach (var same in grants.GroupBy(grant => (grant.Grantor, grant.Grantee, grant.Grantable)))
        {
            var statements = Each(group, object_ =>
                $"GRANT {string.Join(", ", same.Select(grant => grant.Privilege))} ON LARGE OBJECT {object_} TO {Role(same.Key.Grantee)}{(same.Key.Grantable ? " WITH GRANT OPTION" : "")}");
            foreach (var sql in same.Key.Grantor == group.Owner ? statements : [$"SET LOCAL ROLE {SqlName.Quote(same.Key.Grantor)}", .. statements, "RESET ROLE"])
            {
                yield return sql;
            }
        }
    }

    /// <summary>An object that is being unlinked by another session is told as an internal error; whether one could still be written is looked at afterwards.</summary>
    private static IEnumerable<string> Each(FencedLargeObjects group, Func<string, string> statement)
    {
        // No name can hold this character.
        var parts = statement("\0").Split('\0');
        var execute = $"EXECUTE {SqlName.Literal(parts[0])} || id || {SqlName.Literal(parts[1])};";
        return group.Oids.Chunk(Batch).Select(batch =>
            "DO " + SqlName.Literal(
                $"DECLARE id oid; BEGIN FOREACH id IN ARRAY '{{{string.Join(',', batch.Select(oid => oid.ToString(CultureInfo.InvariantCulture)))}}}'::oid[] LOOP "
                + $"BEGIN {execute} EXCEPTION WHEN undefined_object OR internal_error THEN NULL; END; END LOOP; END"));
    }

    private static string Grantees(FencedLargeObjects group) =>
        string.Join(", ", group.Grants.Select(grant => grant.Grantee).Append(group.Owner).Distinct(StringComparer.Ordinal).Select(Role));

    private static string Role(string grantee) => grantee.Length == 0 ? "PUBLIC" : SqlName.Quote(grantee);
}
