using HerokuMigrator.Catalog;
using Npgsql;

namespace HerokuMigrator.ExtensionRows;

/// <summary>One table or sequence of an extension, on both sides, and what keeps its users' rows from being carried.</summary>
/// <param name="Source">Where the rows are.</param>
/// <param name="Target">The same of the target's version of the extension, in whatever schema; null where it has none.</param>
/// <param name="Obstacle">Half a sentence; null where they are carried.</param>
/// <param name="Remedy">What mends that, to be pasted; empty where nothing does.</param>
internal sealed record ExtensionTransfer(ExtensionRelation Source, ExtensionRelation? Target, string? Obstacle = null, string Remedy = "")
{
    public IReadOnlyList<string> Columns => Target is null ? [] : [.. Source.Columns.Intersect(Target.Columns, StringComparer.Ordinal)];

    /// <summary>Columns that the target's version has not: what is in them stays behind.</summary>
    public IReadOnlyList<string> LostColumns => Target is null ? [] : [.. Source.Columns.Except(Target.Columns, StringComparer.Ordinal)];

    public bool WaitsForFence => ExtensionPolicy.WaitsForFence(Source.Extension);

    /// <param name="source">What the source's extensions mark.</param>
    /// <param name="target">The same of the target.</param>
    /// <param name="extensions">Those that the target has.</param>
    /// <param name="kept">Tables of the target with rows that are not of this migration, see <see cref="KeptRows"/>.</param>
    /// <param name="roles">Source's and target's role, quoted.</param>
    public static IReadOnlyList<ExtensionTransfer> Pair(
        IReadOnlyList<ExtensionRelation> source, IReadOnlyList<ExtensionRelation> target, IReadOnlySet<string> extensions, IReadOnlySet<string> kept, (string Source, string Target) roles) =>
        [.. source.Select(relation => Judge(new ExtensionTransfer(relation, Find(relation, source, target)), extensions, kept, roles))];

    /// <summary>By the extension and the name; by the schema too where the extension has several of that name.</summary>
    private static ExtensionRelation? Find(ExtensionRelation wanted, IReadOnlyList<ExtensionRelation> source, IReadOnlyList<ExtensionRelation> target)
    {
        var found = target.Where(one => IsNamesake(one, wanted)).ToList();
        return found.Find(one => one.Schema == wanted.Schema) ?? (found.Count == 1 && source.Count(one => IsNamesake(one, wanted)) == 1 ? found[0] : null);
    }

    private static bool IsNamesake(ExtensionRelation one, ExtensionRelation other) =>
        one.Extension == other.Extension && one.Name == other.Name && one.IsSequence == other.IsSequence;

    private static ExtensionTransfer Judge(ExtensionTransfer pair, IReadOnlySet<string> extensions, IReadOnlySet<string> kept, (string Source, string Target) roles)
    {
        var (source, target) = (pair.Source, pair.Target);
        var (obstacle, remedy) = true switch
        {
            _ when ExtensionPolicy.NeverCarried(source.Extension) is { } reason => (reason, ""),
            _ when !source.Readable => ("the role may not read it on the source", Grant("source", "SELECT", source, roles.Source)),
            _ when source.HidesRows => ("policies on the source keep rows from the role", ""),
            _ when !extensions.Contains(source.Extension) => ("the target has not the extension", ""),
            _ when target is null => ("the target's version of the extension has no such table", ""),
            _ when !(target.Readable && target.Fillable) => ("the target's role may not write it", Grant("target", target.Privileges, target, roles.Target)),
            _ when target.HidesRows => ("policies on the target keep rows from the role", ""),
            _ when !source.IsSequence && pair.Columns.Count == 0 => ("both sides have no column in common", ""),
            _ when kept.Contains(target.QualifiedName) => (
                "the target's table holds rows that are not of this migration, and they are left alone",
                $"DELETE FROM {target.UserRows}; -- on the target, if these rows are not needed"),
            _ => ((string?)null, ""),
        };
        return pair with { Obstacle = obstacle, Remedy = remedy };
    }

    private static string Grant(string side, string privileges, ExtensionRelation relation, string role) =>
        $"GRANT USAGE ON SCHEMA {SqlName.Quote(relation.Schema)} TO {role}; -- on the {side}, as its superuser or the owner\n"
        + $"GRANT {privileges} ON {relation.QualifiedName} TO {role}; -- on the {side} too";
}
