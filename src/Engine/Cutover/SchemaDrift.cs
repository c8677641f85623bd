using HerokuMigrator.Adoption;
using HerokuMigrator.Catalog;
using HerokuMigrator.Operations;
using HerokuMigrator.State;
using Npgsql;

namespace HerokuMigrator.Cutover;

/// <summary>How the source's schema of now differs from the one that the migration was planned for.</summary>
/// <param name="Tables">Each in a sentence: rows of a new table would be lost silently.</param>
/// <param name="Partitions">The same of partitions, which the target follows while writes flow.</param>
/// <param name="MissingSequences">On the source only: a sentence, and the statement that mends it on the target; none for an identity column's.</param>
/// <param name="LeftSequences">On the target only.</param>
internal sealed record SchemaDifference(
    IReadOnlyList<string> Tables, IReadOnlyList<string> Partitions, IReadOnlyList<(string Words, string? Sql)> MissingSequences, IReadOnlyList<string> LeftSequences)
{
    /// <summary>What keeps a switch from being whole, and somebody must see to.</summary>
    public IReadOnlyList<string> Obstacles => [.. Tables, .. MissingSequences.Select(sequence => sequence.Words)];

    public string Remedy => string.Join(' ', Remedies());

    private IEnumerable<string> Remedies()
    {
        if (MissingSequences.Select(sequence => sequence.Sql).OfType<string>().ToList() is { Count: > 0 } statements)
        {
            yield return $"On the target run {string.Join(' ', statements)}";
        }

        if (MissingSequences.Any(sequence => sequence.Sql is null))
        {
            yield return "Give the target's columns the identity that the source's have got.";
        }

        yield return Tables.Count == 0
            ? MissingSequences.Count == 0 ? "Switch again: partitions are followed before the fence." : "Then switch again."
            : "Take the change of the tables back on the source, or run Stop-Migration, empty the target, and start again.";
    }
}

/// <summary>Compares the source's tables and sequences of now with those of the plan and of the target.</summary>
internal sealed class SchemaDrift(MigrationSession session)
{
    public async Task<SchemaDifference> ReadAsync(NpgsqlConnection source, IReadOnlyList<TableRow> planned, CancellationToken cancellationToken)
    {
        var tables = await CatalogReader.ReadTablesAsync(source, cancellationToken);
        var now = tables.ToDictionary(table => table.QualifiedName, Shape, StringComparer.Ordinal);
        var before = planned.ToDictionary(row => row.Table.QualifiedName, row => Shape(row.Table), StringComparer.Ordinal);
        await using var target = await session.OpenTargetAsync(cancellationToken);
        var partitions = await PartitionChanges.ReadAsync(source, target, planned, cancellationToken);
        var followed = partitions.New.Select(node => node.QualifiedName).Concat(partitions.Gone.Select(table => table.QualifiedName)).ToHashSet(StringComparer.Ordinal);
        var drift = now.Keys.Except(before.Keys, StringComparer.Ordinal).Except(followed).Select(table => table + " is new")
            .Concat(before.Keys.Except(now.Keys, StringComparer.Ordinal).Except(followed).Select(table => table + " is gone"))
            .Concat(now.Where(table => !followed.Contains(table.Key) && before.TryGetValue(table.Key, out var shape) && shape != table.Value).Select(table => table.Key + " has other columns, or is another table of that name"))
            .Order(StringComparer.Ordinal).ToList();
        var here = await CatalogReader.ReadSequencesAsync(source, cancellationToken);
        var there = (await CatalogReader.ReadSequencesAsync(target, cancellationToken)).Select(sequence => sequence.QualifiedName).ToHashSet(StringComparer.Ordinal);
        var missing = await DescribeAsync(source, [.. here.Where(sequence => !there.Contains(sequence.QualifiedName))], cancellationToken);
        return new SchemaDifference(drift, partitions.Words, missing, [.. there.Except(here.Select(sequence => sequence.QualifiedName)).Order(StringComparer.Ordinal)]);
    }

    public async Task<SchemaDifference> RefuseAsync(NpgsqlConnection source, IReadOnlyList<TableRow> planned, CancellationToken cancellationToken)
    {
        var difference = await ReadAsync(source, planned, cancellationToken);
        var obstacles = difference.Obstacles.Concat(difference.Partitions).ToList();
        if (obstacles.Count > 0)
        {
            throw Errors.SwitchRefused(
                $"The source's schema has changed since the migration '{session.Name}' began: {string.Join("; ", obstacles.Take(10))}.",
                difference.Remedy,
                obstacles[0]);
        }

        return difference;
    }

    /// <summary>Views and indexes that the source has and the target has not: no row is lost for them, but the application may miss them.</summary>
    public async Task<IReadOnlyList<string>> FindMissingViewsAndIndexesAsync(NpgsqlConnection source, CancellationToken cancellationToken)
    {
        await using var target = await session.OpenTargetAsync(cancellationToken);
        var there = (await CatalogReader.ReadViewAndIndexNamesAsync(target, cancellationToken)).ToHashSet(StringComparer.Ordinal);
        return [.. (await CatalogReader.ReadViewAndIndexNamesAsync(source, cancellationToken)).Where(name => !there.Contains(name))];
    }

    private static async Task<IReadOnlyList<(string Words, string? Sql)>> DescribeAsync(NpgsqlConnection source, IReadOnlyList<SequenceInfo> missing, CancellationToken cancellationToken) =>
        missing.Count == 0 ? [] : await source.ListAsync(
            """
            SELECT n.nspname, c.relname,
                   format(' AS %s START WITH %s INCREMENT BY %s MINVALUE %s MAXVALUE %s CACHE %s', format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache)
                   || CASE WHEN s.seqcycle THEN ' CYCLE' ELSE '' END,
                   EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'i' AND d.refobjsubid > 0)
            FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.oid = ANY ($1::bigint[]::oid[]) ORDER BY 1, 2
            """,
            row =>
            {
                var name = SqlName.Qualify(row.GetString(0), row.GetString(1));
                return row.GetBoolean(3)
                    ? ($"an identity column is new, with sequence {name}", (string?)null)
                    : ($"sequence {name} is new", $"CREATE SEQUENCE {name}{row.GetString(2)};");
            },
            cancellationToken,
            missing.Select(sequence => (long)sequence.Oid).ToArray());

    /// <summary>With the oid: a table that was dropped and made again has lost its triggers, and changes with them.</summary>
    private static string Shape(TableInfo table) => table.Oid + ":" + string.Join(',', table.Columns.Select(column => column.Name + " " + column.Type));
}
