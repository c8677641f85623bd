using HerokuMigrator.Catalog;
using Npgsql;

namespace HerokuMigrator.Readiness;

internal sealed class PreparedTransactions : IReadinessCheck
{
    public string Id => nameof(PreparedTransactions);

    public string Group => CheckGroup.Load;

    public string Title => "No prepared transaction is left open on the source";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        var open = await ReadAsync(source, cancellationToken);
        return open.Count == 0
            ? Finding.Pass("No prepared transaction is open.")
            : Finding.Warning(
                $"{FindingText.Count(open.Count, "prepared transaction is", "prepared transactions are")} open: {FindingText.Several(open.ConvertAll(one => $"{one.Id} of {one.Owner}"))}.",
                "It holds its locks until it is ended, through restarts too: capture cannot be installed on its tables, and the switch refuses.",
                Remedy(open),
                open.ConvertAll(one => one.Id));
    }

    internal static string Remedy(IEnumerable<(string Id, string Owner)> open) =>
        FindingText.Statements(open.Select(one => $"ROLLBACK PREPARED {one.Id}")) + "\n-- or COMMIT PREPARED, where its work is wanted";

    internal static Task<List<(string Id, string Owner)>> ReadAsync(NpgsqlConnection source, CancellationToken cancellationToken) =>
        source.ListAsync(
            "SELECT gid, owner::text FROM pg_prepared_xacts WHERE database = current_database() ORDER BY prepared",
            row => (Id: SqlName.Literal(row.GetString(0)), Owner: row.GetString(1)),
            cancellationToken);
}
