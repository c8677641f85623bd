using HerokuMigrator.Catalog;
using HerokuMigrator.Operations;
using HerokuMigrator.State;
using Npgsql;

namespace HerokuMigrator.Cutover;

/// <summary>Compares the source's tables of now with those that the migration was planned for: rows of a new table would be lost silently.</summary>
internal sealed class SchemaDrift(MigrationSession session)
{
    public async Task RefuseAsync(NpgsqlConnection source, IReadOnlyList<TableRow> planned, CancellationToken cancellationToken)
    {
        var now = (await CatalogReader.ReadAsync(source, cancellationToken)).Tables.ToDictionary(table => table.QualifiedName, Shape, StringComparer.Ordinal);
        var before = planned.ToDictionary(row => row.Table.QualifiedName, row => Shape(row.Table), StringComparer.Ordinal);
        var drift = now.Keys.Except(before.Keys, StringComparer.Ordinal).Select(table => table + " is new")
            .Concat(before.Keys.Except(now.Keys, StringComparer.Ordinal).Select(table => table + " is gone"))
            .Concat(now.Where(table => before.TryGetValue(table.Key, out var shape) && shape != table.Value).Select(table => table.Key + " has other columns, or is another table of that name"))
            .Order(StringComparer.Ordinal).ToList();
        if (drift.Count > 0)
        {
            throw Errors.SwitchRefused(
                $"The source's schema has changed since the migration '{session.Name}' began: {string.Join("; ", drift.Take(10))}.",
                "Take the change back on the source, or run Stop-Migration, empty the target, and start again.",
                drift[0]);
        }
    }

    /// <summary>With the oid: a table that was dropped and made again has lost its triggers, and changes with them.</summary>
    private static string Shape(TableInfo table) => table.Oid + ":" + string.Join(',', table.Columns.Select(column => column.Name + " " + column.Type));
}
