using HerokuMigrator.Catalog;
using HerokuMigrator.State;
using Npgsql;

namespace HerokuMigrator.Adoption;

/// <summary>
/// What was made, dropped, attached and detached below the partitioned tables that the migration knows, so that the target can follow.
/// Other new or missing tables are none of it: the switch refuses these.
/// </summary>
/// <param name="Gone">Planned partitions that the source has no more.</param>
/// <param name="GoneParents">Partitioned tables below others, on the target only; the deepest first.</param>
/// <param name="New">On the source only; partitioned ones too.</param>
/// <param name="Detached">As the target has them: no partitions of that table, or not by that bound, any more.</param>
/// <param name="Attached">As the source has them.</param>
internal sealed record PartitionChanges(
    IReadOnlyList<TableInfo> Gone,
    IReadOnlyList<PartitionNode> GoneParents,
    IReadOnlyList<PartitionNode> New,
    IReadOnlyList<PartitionNode> Detached,
    IReadOnlyList<PartitionNode> Attached,
    PartitionTree Source)
{
    public bool Any => Gone.Count + GoneParents.Count + New.Count + Detached.Count + Attached.Count > 0;

    /// <summary>Each in a few words; what is attached because it is new is told once.</summary>
    public IReadOnlyList<string> Words =>
    [
        .. Gone.Select(table => $"partition {table} is gone"),
        .. GoneParents.Select(node => $"partition {node.QualifiedName} is gone"),
        .. New.Select(node => $"partition {node.QualifiedName} of {node.Parent} is new"),
        .. Detached.Where(node => Attached.All(other => other.QualifiedName != node.QualifiedName)).Select(node => $"{node.QualifiedName} was detached from {node.Parent}"),
        .. Attached.Except(New).Select(node => $"{node.QualifiedName} was attached to {node.Parent} {node.Bound}"),
    ];

    public static async Task<PartitionChanges> ReadAsync(
        NpgsqlConnection source, NpgsqlConnection target, IReadOnlyList<TableRow> planned, CancellationToken cancellationToken)
    {
        var here = await PartitionTree.ReadAsync(source, cancellationToken);
        var there = await PartitionTree.ReadAsync(target, cancellationToken);
        var missing = (await source.ListAsync(
            "SELECT o FROM unnest($1::bigint[]) o WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = o::oid)",
            row => (uint)row.GetInt64(0),
            cancellationToken,
            planned.Select(row => (long)row.Table.Oid).ToArray())).ToHashSet();
        return Compare(here, there, planned, missing);
    }

    private static PartitionChanges Compare(PartitionTree here, PartitionTree there, IReadOnlyList<TableRow> planned, HashSet<uint> missing)
    {
        var gone = planned.Select(row => row.Table)
            .Where(table => missing.Contains(table.Oid) && (table.IsLeaf || there.Find(table.QualifiedName) is { Parent: not null })).ToList();
        var leaving = gone.Select(table => table.QualifiedName).ToHashSet(StringComparer.Ordinal);
        var known = planned.Select(row => row.Table).Where(table => !leaving.Contains(table.QualifiedName)).ToDictionary(table => table.Oid);
        var names = known.Values.Select(table => table.QualifiedName).ToHashSet(StringComparer.Ordinal);
        // Below a root that is partitioned on both sides; a partition that was renamed is not new.
        var followed = here.Nodes.Where(node => node.Parent is not null && there.Find(here.RootOf(node)) is { IsPartitioned: true }).ToList();
        var fresh = followed.Where(node => node.IsPartitioned
            ? there.Find(node.QualifiedName) is null
            : !names.Contains(node.QualifiedName) && !known.ContainsKey(node.Oid)).ToList();
        var attached = followed.Where(node => fresh.Contains(node)
            || ((node.IsPartitioned || (known.TryGetValue(node.Oid, out var table) && table.QualifiedName == node.QualifiedName)) && Differs(node, there.Find(node.QualifiedName)))).ToList();
        var left = there.Nodes.Where(node => node.Parent is not null && !leaving.Contains(node.QualifiedName)).ToList();
        var goneParents = left.Where(node => node.IsPartitioned && here.Find(node.QualifiedName) is null && here.Find(there.RootOf(node)) is { IsPartitioned: true })
            .OrderByDescending(there.DepthOf).ToList();
        var detached = left.Except(goneParents)
            .Where(node => names.Contains(node.QualifiedName) || (node.IsPartitioned && here.Find(node.QualifiedName) is not null))
            .Where(node => Differs(here.Find(node.QualifiedName), node) && !IsRenamed(node, known.Values, here)).ToList();
        return new PartitionChanges(gone, goneParents, fresh, detached, attached, here);
    }

    private static bool Differs(PartitionNode? one, PartitionNode? other) => one?.Parent != other?.Parent || one?.Bound != other?.Bound;

    /// <summary>It is a partition still, by another name: that is refused, not followed.</summary>
    private static bool IsRenamed(PartitionNode node, IEnumerable<TableInfo> known, PartitionTree here) =>
        known.FirstOrDefault(table => table.QualifiedName == node.QualifiedName) is { } table
        && here.Nodes.Any(other => other.Oid == table.Oid && other.QualifiedName != table.QualifiedName);
}
