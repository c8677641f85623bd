using HerokuMigrator.Capture;
using HerokuMigrator.Catalog;
using HerokuMigrator.Cutover;
using HerokuMigrator.State;
using Npgsql;

namespace HerokuMigrator.Adoption;

/// <summary>Sorts what has changed on the source into what can be brought to the target as things stand, and what its owner must see to.</summary>
internal sealed class CarryOverPlanner(NpgsqlConnection source, NpgsqlConnection target, IReadOnlyList<TableRow> planned, KeylessTable keyless)
{
    private const string StartAnew = "take it back on the source; or Stop-Migration, empty the target, and start again.";
    private const string ThenAgain = "on the target, then Start-BucardoSync -CarryOver.";

    private readonly List<TableInfo> _tables = [];
    private readonly List<ColumnsAdded> _columns = [];
    private readonly List<TableInfo> _accepted = [];
    private readonly List<TableInfo> _forgotten = [];
    private readonly List<Uncarried> _left = [];

    /// <param name="difference">What has changed.</param>
    /// <param name="missing">Names of views and indexes that the target has not.</param>
    /// <param name="cancellationToken">Ends it; nothing is changed.</param>
    public async Task<CarryOverPlan> PlanAsync(SchemaDifference difference, IReadOnlyList<string> missing, CancellationToken cancellationToken)
    {
        var there = (await CatalogReader.ReadTablesAsync(target, cancellationToken)).ToDictionary(table => table.QualifiedName, StringComparer.Ordinal);
        var tree = await PartitionTree.ReadAsync(source, cancellationToken);
        var relatives = await ReadRelativesAsync([.. difference.New, .. difference.Changed.Select(change => change.Now)], cancellationToken);
        Leave(difference.Gone.Where(table => difference.New.All(other => other.Oid != table.Oid)), there);
        AddTables(difference, there, tree, relatives);
        foreach (var group in difference.Changed.Where(change => change.Before.Oid == change.Now.Oid).GroupBy(change => Relation(change.Now, tree)))
        {
            await AddColumnsAsync(group.Key, [.. group], there, relatives, cancellationToken);
        }

        var entries = new CarryOverEntries(source, planned);
        return new CarryOverPlan
        {
            Tables = KeylessPolicy.Apply(_tables, keyless),
            Columns = _columns,
            Accepted = _accepted,
            Forgotten = _forgotten,
            Sequences = [.. difference.MissingSequences.Where(sequence => sequence.Sql is not null && difference.New.All(table => table.Oid != sequence.OwnerOid)).Select(sequence => (sequence.QualifiedName, sequence.Sql!))],
            Entries =
            [
                .. CarryOverEntries.OfSequences(difference.MissingSequences.Where(sequence => _columns.Any(added => added.Tables.Any(table => table.Oid == sequence.OwnerOid)))),
                .. await entries.OfColumnsAsync(_columns, cancellationToken),
                .. await entries.OfIndexesAsync(missing, [.. difference.Changed.Select(change => change.Now).Where(table => _columns.All(added => added.Tables.All(one => one.Oid != table.Oid)))], cancellationToken),
            ],
            Left = _left,
        };
    }

    private void AddTables(SchemaDifference difference, IReadOnlyDictionary<string, TableInfo> there, PartitionTree tree, HashSet<uint> relatives)
    {
        var known = planned.Select(row => row.Table.Oid).ToHashSet();
        var taken = planned.Where(row => row.Table.Mode == TransferMode.Replayed).Select(row => CaptureNames.For(row.Table).Delta).ToHashSet(StringComparer.Ordinal);
        foreach (var table in difference.New.Where(table => table.IsLeaf).GroupBy(table => Relation(table, tree)))
        {
            _left.Add(new($"partitioned table {table.Key} is new", $"CREATE TABLE {table.Key} (…) PARTITION BY …, as on the source; its partitions are followed then."));
        }

        foreach (var table in difference.New.Where(table => !table.IsLeaf).Concat(difference.Changed.Where(change => change.Before.Oid != change.Now.Oid).Select(change => change.Now)))
        {
            if (known.Contains(table.Oid))
            {
                _left.Add(new($"{planned.First(row => row.Table.Oid == table.Oid).Table} is called {table} now", StartAnew));
            }
            else if (there.ContainsKey(table.QualifiedName))
            {
                _left.Add(new($"{table} is another table than the target's of that name", $"DROP TABLE {table}; {ThenAgain}"));
            }
            else if (relatives.Contains(table.Oid))
            {
                _left.Add(new($"{table} is new and inherits, or is inherited from", StartAnew));
            }
            else if (!table.Owned)
            {
                _left.Add(new($"{table} is new and belongs to {SqlName.Quote(table.Owner)}", $"ALTER TABLE {table} OWNER TO the migrating role, on the source."));
            }
            else if (table.Mode == TransferMode.CopiedWhole && keyless == KeylessTable.Refuse)
            {
                _left.Add(new($"{table} is new without a usable key ({table.ModeReason})", "give it a primary key on the source."));
            }
            else
            {
                _forgotten.AddRange(difference.Changed.Select(change => change.Before).Where(before => before.QualifiedName == table.QualifiedName));
                var added = TransferPlan.Beside(table, taken);
                taken.Add(CaptureNames.For(added).Delta);
                _tables.Add(added);
            }
        }
    }

    /// <summary>Tables that the source has no more: it is not for us to drop them where somebody may look at them still.</summary>
    private void Leave(IEnumerable<TableInfo> gone, IReadOnlyDictionary<string, TableInfo> there)
    {
        foreach (var table in gone)
        {
            if (there.ContainsKey(table.QualifiedName))
            {
                _left.Add(new($"{table} is gone", $"DROP TABLE {table}; {ThenAgain}"));
            }
            else
            {
                _forgotten.Add(table);
            }
        }
    }

    private async Task AddColumnsAsync(string relation, IReadOnlyList<TableChange> changes, IReadOnlyDictionary<string, TableInfo> there, HashSet<uint> relatives, CancellationToken cancellationToken)
    {
        var (now, before) = (changes[0].Now, changes[0].Before);
        if (!there.TryGetValue(now.QualifiedName, out var counterpart))
        {
            _left.Add(new($"the target has no {now}", StartAnew));
            return;
        }

        if (changes.FirstOrDefault(change => KeyHasChanged(change.Before, change.Now)) is { } other)
        {
            _left.Add(new($"the key of {other.Now} is another now", StartAnew));
            return;
        }

        var here = now.Columns.ToDictionary(column => column.Name, StringComparer.Ordinal);
        var counterparts = counterpart.Columns.ToDictionary(column => column.Name, StringComparer.Ordinal);
        string[] changed =
        [
            .. counterparts.Keys.Except(here.Keys).Select(name => $"DROP COLUMN {SqlName.Quote(name)}"),
            .. here.Values.Where(column => counterparts.TryGetValue(column.Name, out var one) && one.Type != column.Type).Select(column => $"ALTER COLUMN {SqlName.Quote(column.Name)} TYPE {column.Type}"),
        ];
        var added = await NewColumns.ReadAsync(source, now, here.Keys.Except(counterparts.Keys), cancellationToken);
        var unknown = await NewColumns.FindUnknownTypesAsync(target, added, cancellationToken);
        if (changed.Length > 0 || relatives.Contains(now.Oid) || added.Exists(column => column.Computed is not null || column.IsIdentity) || unknown.Count > 0)
        {
            string[] all = [.. changed, .. added.Select(column => column.Add)];
            _left.Add(new(
                $"{relation} has other columns, of a kind that is not carried over by itself",
                $"{(unknown.Count > 0 ? $"make type {string.Join(", ", unknown)}, then " : "")}ALTER TABLE {relation} {string.Join(", ", all)}; {ThenAgain}"));
            return;
        }

        TableInfo[] tables = [.. changes.Select(change => change.Now with { Key = change.Before.Key, Mode = change.Before.Mode, ModeReason = change.Before.ModeReason })];
        if (added.Count == 0)
        {
            _accepted.AddRange(tables);
        }
        else
        {
            _columns.Add(new ColumnsAdded(relation, added, tables));
        }
    }

    /// <summary>Changes are captured and replayed by the columns that the plan was made with.</summary>
    private static bool KeyHasChanged(TableInfo before, TableInfo now) => before.Mode == TransferMode.Replayed
        && (now.Mode != TransferMode.Replayed || !now.Key.SequenceEqual(before.Key, StringComparer.Ordinal)
            || before.Key.Any(name => now.Columns.First(column => column.Name == name).Type != before.Columns.First(column => column.Name == name).Type));

    private static string Relation(TableInfo table, PartitionTree tree) => table.IsLeaf && tree.Find(table.QualifiedName) is { } node ? tree.RootOf(node) : table.QualifiedName;

    /// <summary>Tables that inherit, or that others inherit from; partitions apart.</summary>
    private async Task<HashSet<uint>> ReadRelativesAsync(IEnumerable<TableInfo> tables, CancellationToken cancellationToken) =>
        (await source.ListAsync(
            "SELECT c.oid FROM pg_class c WHERE c.oid = ANY ($1::bigint[]::oid[]) AND NOT c.relispartition AND EXISTS (SELECT FROM pg_inherits i WHERE c.oid IN (i.inhrelid, i.inhparent))",
            row => row.GetFieldValue<uint>(0), cancellationToken, tables.Select(table => (long)table.Oid).ToArray())).ToHashSet();
}
