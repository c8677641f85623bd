using HerokuMigrator.Catalog;
using HerokuMigrator.Cutover;
using HerokuMigrator.Schema;
using HerokuMigrator.State;
using Npgsql;

namespace HerokuMigrator.Adoption;

/// <summary>Indexes and constraints that come to tables which are moved already, in the words of pg_dump, by which the restorer knows them.</summary>
internal sealed class CarryOverEntries(NpgsqlConnection source, IReadOnlyList<TableRow> planned)
{
    /// <summary>Those of partitioned tables and partitions hang together, and are left to their owner.</summary>
    private const string IndexesSql = """
        SELECT n.nspname || '.' || c.relname, pg_get_indexdef(i.indexrelid), quote_ident(tn.nspname) || '.' || quote_ident(t.relname), quote_ident(k.conname), pg_get_constraintdef(k.oid), t.oid
        FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace tn ON tn.oid = t.relnamespace
        LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')
        WHERE t.relkind = 'r' AND NOT t.relispartition AND i.indisvalid
          AND 'index "' || replace(n.nspname, '"', '""') || '"."' || replace(c.relname, '"', '""') || '"' = ANY ($1)
        ORDER BY 1
        """;

    /// <param name="missing">Views and indexes that the target has not, each with its kind.</param>
    /// <param name="changed">Tables whose columns the target will not have either.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<IReadOnlyList<SchemaEntry>> OfIndexesAsync(IReadOnlyList<string> missing, IReadOnlyList<TableInfo> changed, CancellationToken cancellationToken)
    {
        var known = planned.Select(row => row.Table.Oid).Except(changed.Select(table => table.Oid)).ToHashSet();
        var found = missing.Count == 0 ? [] : await source.ListAsync(
            IndexesSql,
            row => (Table: row.GetFieldValue<uint>(5), Entry: row.IsDBNull(3)
                ? new SchemaEntry(0, SchemaStage.AfterDrain, "INDEX", row.GetString(0), row.GetString(1) + ";")
                : Constraint("CONSTRAINT", SchemaStage.AfterDrain, row.GetString(2), row.GetString(3), row.GetString(4))),
            cancellationToken, (object)missing.ToArray());
        return [.. found.Where(index => known.Contains(index.Table)).Select(index => index.Entry)];
    }

    /// <summary>What the columns' definitions say beyond type and default.</summary>
    public async Task<IReadOnlyList<SchemaEntry>> OfColumnsAsync(IReadOnlyList<ColumnsAdded> columns, CancellationToken cancellationToken)
    {
        List<SchemaEntry> entries = [];
        var whole = planned.Where(row => row.Table.Mode == TransferMode.CopiedWhole).Select(row => row.Table.Oid).ToHashSet();
        foreach (var added in columns)
        {
            entries.AddRange(added.Columns.Where(column => column.IsNotNullLater).Select(column => new SchemaEntry(
                0, SchemaStage.AfterDrain, "COLUMN", $"{added.Relation}.{column.Name} (NOT NULL)", $"ALTER TABLE {added.Relation} ALTER COLUMN {SqlName.Quote(column.Name)} SET NOT NULL;")));
            foreach (var (name, definition, valid, referenced) in await NewColumns.ReadConstraintsAsync(source, added.Relation, added.Columns, cancellationToken))
            {
                // Until the last copy the rows of a table that is copied whole are older than those of the other side; rows that break a check that is not valid may come again.
                var late = referenced is { } other ? whole.Contains(other) || added.Tables.Any(table => table.Mode == TransferMode.CopiedWhole) : !valid;
                var quoted = SqlName.Quote(name);
                entries.Add(Constraint(referenced is null ? "CHECK CONSTRAINT" : "FK CONSTRAINT", late ? SchemaStage.UnderFence : SchemaStage.AfterDrain, added.Relation, quoted, definition)
                    with { UndoSql = late && referenced is null ? $"ALTER TABLE {added.Relation} DROP CONSTRAINT {quoted};" : null });
            }
        }

        return entries;
    }

    /// <summary>Those of columns that are carried over too.</summary>
    public static IEnumerable<SchemaEntry> OfSequences(IEnumerable<MissingSequence> sequences) =>
        sequences.Where(sequence => sequence.Sql is not null).Select(sequence => new SchemaEntry(
            0, SchemaStage.AfterDrain, "SEQUENCE OWNED BY", sequence.QualifiedName, $"ALTER SEQUENCE {sequence.QualifiedName} OWNED BY {sequence.OwnedBy};"));

    private static SchemaEntry Constraint(string kind, SchemaStage stage, string table, string name, string definition) =>
        new(0, stage, kind, $"{table} {name}", $"ALTER TABLE {table}\n    ADD CONSTRAINT {name} {definition};");
}
