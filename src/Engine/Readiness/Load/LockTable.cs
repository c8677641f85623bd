using System.Globalization;
using HerokuMigrator.Catalog;
using Npgsql;

namespace HerokuMigrator.Readiness;

internal sealed class LockTable : IReadinessCheck
{
    /// <summary>The room that the server sets aside at its start; a little more may be free beside it.</summary>
    private const string RoomSql = """
        SELECT current_setting('max_locks_per_transaction')::int8, current_setting('max_connections')::int8 + current_setting('max_prepared_transactions')::int8
               + coalesce(current_setting('autovacuum_worker_slots', true), current_setting('autovacuum_max_workers'))::int8
               + current_setting('max_worker_processes')::int8 + current_setting('max_wal_senders')::int8 + 1
        """;

    /// <summary>The fence locks each table, and pg_dump before it. Making the schema locks each relation, a table's TOAST table with its index, and an object beside the table.</summary>
    private const string NeededSql = $"""
        SELECT count(*) FILTER (WHERE c.relkind IN ('r', 'p')),
               count(*) + count(*) FILTER (WHERE c.relkind IN ('r', 'p')) + 2 * count(*) FILTER (WHERE c.reltoastrelid <> 0)
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND {UserObjects.RelationFilter}
        """;

    /// <summary>The application needs locks too.</summary>
    private const double Share = 0.8;

    /// <summary>Measured: with room for 7808 a transaction failed at its 9000th lock.</summary>
    private const double BeyondDoubt = 2;

    private sealed record Side(string Name, long Needed, long PerTransaction, long Transactions)
    {
        public bool IsShort => Needed > Share * PerTransaction * Transactions;

        public bool Fails => Needed > BeyondDoubt * PerTransaction * Transactions;

        public long Enough => (long)Math.Ceiling(Needed / Share / Transactions);
    }

    public string Id => nameof(LockTable);

    public string Group => CheckGroup.Load;

    public string Title => "Both servers can lock all tables at once";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        await using var target = await context.OpenTargetAsync(cancellationToken);
        var (fenced, made) = (await source.ListAsync(NeededSql, row => (row.GetInt64(0), row.GetInt64(1)), cancellationToken)).Single();
        var sides = new[] { await ReadAsync("source", source, fenced, cancellationToken), await ReadAsync("target", target, made, cancellationToken) };
        var tight = sides.Where(side => side.IsShort).ToList();
        if (tight.Count == 0)
        {
            return Finding.Pass(string.Join(' ', sides.Select(side => string.Create(
                CultureInfo.InvariantCulture, $"The {side.Name} has room for {side.PerTransaction * side.Transactions} locks; about {side.Needed} are taken at once."))));
        }

        var finding = Finding.Warning(
            string.Join(' ', tight.Select(side => string.Create(
                CultureInfo.InvariantCulture, $"The {side.Name} has room for about {side.PerTransaction * side.Transactions} locks, and {side.Needed} are taken in one transaction."))),
            "The schema is made on the target in one transaction, and the fence locks all tables of the source in one. Where the server has no room for a lock that transaction fails (\"out of shared memory\"), and so may others of the application at that moment.",
            FindingText.Statements(tight.Select(side => string.Create(
                CultureInfo.InvariantCulture, $"-- on the {side.Name}, as a superuser or in the provider's settings, then restart the server\nALTER SYSTEM SET max_locks_per_transaction = {side.Enough}"))),
            tight.ConvertAll(side => $"{side.Name}: max_locks_per_transaction"));
        // The fence of a source that is short fails without harm; the start on such a target fails for certain.
        return tight.Exists(side => side is { Name: "target", Fails: true }) ? finding with { Status = CheckStatus.Blocked } : finding;
    }

    private static async Task<Side> ReadAsync(string name, NpgsqlConnection connection, long needed, CancellationToken cancellationToken) =>
        (await connection.ListAsync(RoomSql, row => new Side(name, needed, row.GetInt64(0), row.GetInt64(1)), cancellationToken)).Single();
}
