using HerokuMigrator.Catalog;
using HerokuMigrator.State;

namespace HerokuMigrator.Operations;

internal static class MigrationSummary
{
    public static Migration Build(MigrationSession session, MigrationPhase phase, DateTimeOffset? startedAt, IReadOnlyList<TableRow> tables) => new()
    {
        Name = session.Name,
        Phase = phase,
        Source = session.SourceSettings.Address,
        Target = session.TargetSettings.Address,
        StartedAt = startedAt,
        Tables = tables.Count(row => row.Table.Mode != TransferMode.LeftOut),
        TablesCopiedWhole = tables.Count(row => row.Table.Mode == TransferMode.CopiedWhole),
        TablesLeftOut = LeftOut(tables),
        RowsCopied = tables.Sum(row => row.Rows),
        Home = session.Home.Folder,
    };

    public static IReadOnlyList<string> LeftOut(IEnumerable<TableRow> tables) =>
        [.. tables.Where(row => row.Table.Mode == TransferMode.LeftOut).Select(row => row.Table.QualifiedName)];

    public static async Task<Migration> ReadAsync(MigrationSession session, CancellationToken cancellationToken)
    {
        var row = await session.RequireMigrationAsync(cancellationToken);
        return Build(session, row.Phase, row.StartedAt, await session.Store.ReadTablesAsync(cancellationToken));
    }
}
