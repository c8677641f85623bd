using HerokuMigrator.Adoption;
using HerokuMigrator.Catalog;
using HerokuMigrator.Operations;
using HerokuMigrator.State;
using Npgsql;

namespace HerokuMigrator.Cutover;

/// <summary>A table that has other columns than were planned, or is another one of the same name.</summary>
internal sealed record TableChange(TableInfo Before, TableInfo Now);

/// <summary>A sequence that the source has and the target has not.</summary>
/// <param name="Sql">What makes it; null for an identity column's.</param>
/// <param name="OwnerOid">The table of the column that owns it; null where none does.</param>
/// <param name="OwnedBy">That column, qualified and quoted.</param>
internal sealed record MissingSequence(string QualifiedName, string? Sql, uint? OwnerOid, string? OwnedBy)
{
    public string Words => Sql is null ? $"an identity column is new, with sequence {QualifiedName}" : $"sequence {QualifiedName} is new";
}

/// <summary>How the source's schema of now differs from the one that the migration was planned for.</summary>
/// <param name="New">Rows of a new table would be lost silently.</param>
/// <param name="Gone">As they were planned.</param>
/// <param name="Partitions">The same of partitions, which the target follows while writes flow; each in a few words.</param>
/// <param name="LeftSequences">On the target only.</param>
internal sealed record SchemaDifference(
    IReadOnlyList<TableInfo> New,
    IReadOnlyList<TableInfo> Gone,
    IReadOnlyList<TableChange> Changed,
    IReadOnlyList<string> Partitions,
    IReadOnlyList<MissingSequence> MissingSequences,
    IReadOnlyList<string> LeftSequences)
{
    /// <summary>What keeps a switch from being whole, and somebody must see to.</summary>
    public IReadOnlyList<string> Obstacles =>
    [
        .. New.Select(table => table + " is new").Concat(Gone.Select(table => table + " is gone"))
            .Concat(Changed.Select(change => change.Now + " has other columns, or is another table of that name")).Order(StringComparer.Ordinal),
        .. MissingSequences.Select(sequence => sequence.Words),
    ];
}

/// <summary>Compares the source's tables and sequences of now with those of the plan and of the target.</summary>
internal sealed class SchemaDrift(MigrationSession session)
{
    public async Task<SchemaDifference> ReadAsync(NpgsqlConnection source, IReadOnlyList<TableRow> planned, CancellationToken cancellationToken)
    {
        var tables = await CatalogReader.ReadTablesAsync(source, cancellationToken);
        var before = planned.ToDictionary(row => row.Table.QualifiedName, row => row.Table, StringComparer.Ordinal);
        await using var target = await session.OpenTargetAsync(cancellationToken);
        var partitions = await PartitionChanges.ReadAsync(source, target, planned, cancellationToken);
        var followed = partitions.New.Select(node => node.QualifiedName).Concat(partitions.Gone.Select(table => table.QualifiedName)).ToHashSet(StringComparer.Ordinal);
        var now = tables.Where(table => !followed.Contains(table.QualifiedName)).ToDictionary(table => table.QualifiedName, StringComparer.Ordinal);
        var here = await CatalogReader.ReadSequencesAsync(source, cancellationToken);
        var there = (await CatalogReader.ReadSequencesAsync(target, cancellationToken)).Select(sequence => sequence.QualifiedName).ToHashSet(StringComparer.Ordinal);
        return new SchemaDifference(
            [.. now.Values.Where(table => !before.ContainsKey(table.QualifiedName))],
            [.. before.Values.Where(table => !now.ContainsKey(table.QualifiedName) && !followed.Contains(table.QualifiedName))],
            [.. now.Values.Where(table => before.TryGetValue(table.QualifiedName, out var old) && Shape(old) != Shape(table)).Select(table => new TableChange(before[table.QualifiedName], table))],
            partitions.Words,
            await DescribeAsync(source, [.. here.Where(sequence => !there.Contains(sequence.QualifiedName))], cancellationToken),
            [.. there.Except(here.Select(sequence => sequence.QualifiedName)).Order(StringComparer.Ordinal)]);
    }

    /// <summary>What of it can be brought to the target, and what must be done about the rest.</summary>
    /// <param name="source">Read only.</param>
    /// <param name="planned">The tables of the plan.</param>
    /// <param name="difference">What has changed since it was made.</param>
    /// <param name="missing">Views and indexes that the target has not.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<CarryOverPlan> PlanCarryOverAsync(
        NpgsqlConnection source, IReadOnlyList<TableRow> planned, SchemaDifference difference, IReadOnlyList<string> missing, CancellationToken cancellationToken)
    {
        await using var target = await session.OpenTargetAsync(cancellationToken);
        return await new CarryOverPlanner(source, target, planned, session.StartOptions.Keyless).PlanAsync(difference, missing, cancellationToken);
    }

    public async Task<SchemaDifference> RefuseAsync(NpgsqlConnection source, IReadOnlyList<TableRow> planned, CancellationToken cancellationToken)
    {
        var difference = await ReadAsync(source, planned, cancellationToken);
        var obstacles = difference.Obstacles.Concat(difference.Partitions).ToList();
        if (obstacles.Count > 0)
        {
            throw Errors.SwitchRefused(
                $"The source's schema has changed since the migration '{session.Name}' began: {string.Join("; ", obstacles.Take(10))}.",
                "Start-BucardoSync -CarryOver brings to the target what it can, and names the rest; partitions are followed before the fence. Then switch again.",
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

    private static async Task<IReadOnlyList<MissingSequence>> DescribeAsync(NpgsqlConnection source, IReadOnlyList<SequenceInfo> missing, CancellationToken cancellationToken) =>
        missing.Count == 0 ? [] : await source.ListAsync(
            """
            SELECT n.nspname, c.relname,
                   format(' AS %s START WITH %s INCREMENT BY %s MINVALUE %s MAXVALUE %s CACHE %s', format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache)
                   || CASE WHEN s.seqcycle THEN ' CYCLE' ELSE '' END,
                   coalesce(d.deptype = 'i', false), t.oid, CASE WHEN t.oid IS NOT NULL THEN format('%I.%I.%I', tn.nspname, t.relname, a.attname) END
            FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
            LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
            LEFT JOIN pg_class t ON t.oid = d.refobjid LEFT JOIN pg_namespace tn ON tn.oid = t.relnamespace LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
            WHERE c.oid = ANY ($1::bigint[]::oid[]) ORDER BY 1, 2
            """,
            row =>
            {
                var name = SqlName.Qualify(row.GetString(0), row.GetString(1));
                return new MissingSequence(
                    name, row.GetBoolean(3) ? null : $"CREATE SEQUENCE {name}{row.GetString(2)};", row.IsDBNull(4) ? null : row.GetFieldValue<uint>(4), row.IsDBNull(4) ? null : row.GetString(5));
            },
            cancellationToken,
            missing.Select(sequence => (long)sequence.Oid).ToArray());

    /// <summary>With the oid: a table that was dropped and made again has lost its triggers, and changes with them.</summary>
    private static string Shape(TableInfo table) => table.Oid + ":" + string.Join(',', table.Columns.Select(column => column.Name + " " + column.Type));
}
