using Npgsql;

namespace HerokuMigrator.Catalog;

/// <summary>A partitioned table, or a partition of one.</summary>
/// <param name="IsPartitioned">It holds no rows itself.</param>
/// <param name="Parent">Schema-qualified and quoted; null for a root.</param>
/// <param name="Bound">As ATTACH PARTITION takes it; null for a root.</param>
internal sealed record PartitionNode(uint Oid, string Schema, string Name, bool IsPartitioned, string? Parent, string? Bound)
{
    public string QualifiedName => SqlName.Qualify(Schema, Name);

    public bool IsDefault => Bound == "DEFAULT";
}

/// <summary>All partitioned tables of a database with their partitions, by name.</summary>
internal sealed class PartitionTree(IReadOnlyList<PartitionNode> nodes)
{
    /// <summary>Without the relation's oid, pg_get_expr takes no lock.</summary>
    private const string Sql = $"""
        SELECT c.oid, n.nspname, c.relname, c.relkind = 'p', pn.nspname, p.relname, pg_get_expr(c.relpartbound, 0)
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        LEFT JOIN pg_inherits i ON i.inhrelid = c.oid AND c.relispartition
        LEFT JOIN pg_class p ON p.oid = i.inhparent LEFT JOIN pg_namespace pn ON pn.oid = p.relnamespace
        WHERE (c.relkind = 'p' OR (c.relkind = 'r' AND c.relispartition)) AND {UserObjects.RelationFilter}
        ORDER BY n.nspname, c.relname
        """;

    private readonly Dictionary<string, PartitionNode> _byName = nodes.ToDictionary(node => node.QualifiedName, StringComparer.Ordinal);

    public IReadOnlyList<PartitionNode> Nodes => nodes;

    public static async Task<PartitionTree> ReadAsync(NpgsqlConnection connection, CancellationToken cancellationToken) => new(await connection.ListAsync(
        Sql,
        row => new PartitionNode(
            row.GetFieldValue<uint>(0),
            row.GetString(1),
            row.GetString(2),
            row.GetBoolean(3),
            row.IsDBNull(5) ? null : SqlName.Qualify(row.GetString(4), row.GetString(5)),
            row.IsDBNull(6) ? null : row.GetString(6)),
        cancellationToken));

    public PartitionNode? Find(string qualifiedName) => _byName.GetValueOrDefault(qualifiedName);

    public string RootOf(PartitionNode node)
    {
        while (node.Parent is { } parent)
        {
            if (Find(parent) is not { } above)
            {
                return parent;
            }

            node = above;
        }

        return node.QualifiedName;
    }

    /// <summary>How far below its root: what is deeper goes first.</summary>
    public int DepthOf(PartitionNode node) => node.Parent is { } parent && Find(parent) is { } above ? 1 + DepthOf(above) : 0;

    /// <summary>The node itself where it holds rows, or those below it that do.</summary>
    public IEnumerable<PartitionNode> LeavesOf(PartitionNode node) =>
        node.IsPartitioned ? nodes.Where(child => child.Parent == node.QualifiedName).SelectMany(LeavesOf) : [node];
}
