namespace HerokuMigrator.Readiness;

internal sealed class Partitioned : IReadinessCheck
{
    public string Id => nameof(Partitioned);

    public string Group => CheckGroup.Schema;

    public string Title => "Partitioned tables";

    public Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        var parents = context.Catalog.PartitionedTables;
        return Task.FromResult(parents.Count == 0
            ? Finding.Pass("There are no partitioned tables.")
            : FindingText.Note(
                $"{FindingText.Count(parents.Count, "table is", "tables are")} partitioned, with {FindingText.Count(context.Catalog.Tables.Count(table => table.IsLeaf), "partition")}: {FindingText.Several(parents)}.",
                "Partitions are moved one by one. Those that are made, attached, detached or dropped while the migration replicates are followed on the target, by the worker within a minute and by the switch before its fence.",
                parents));
    }
}
