namespace HerokuMigrator.Readiness;

internal sealed class LongTransactions : IReadinessCheck
{
    private const int LongSeconds = 60;

    public string Id => nameof(LongTransactions);

    public string Group => CheckGroup.Load;

    public string Title => "No transaction of the source is open for long";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        var open = await source.ListAsync(
            """
            SELECT pid, coalesce(usename, '?'), coalesce(application_name, ''), coalesce(state, '?'), extract(epoch FROM clock_timestamp() - xact_start)::float8
            FROM pg_stat_activity
            WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
              AND xact_start < clock_timestamp() - $1 * interval '1 second'
            ORDER BY xact_start
            """,
            row => (Pid: row.GetInt32(0), Text: $"pid {row.GetInt32(0)} (user {row.GetString(1)}, application '{row.GetString(2)}', {row.GetString(3)}, open for {row.GetDouble(4):0} s)"),
            cancellationToken,
            LongSeconds);
        if (open.Count > 0)
        {
            return Finding.Warning(
                $"{FindingText.Count(open.Count, "transaction is", "transactions are")} open for more than {LongSeconds} s: {FindingText.Several(open.ConvertAll(one => one.Text))}.",
                "A transaction that has written holds its tables' locks: capture and the fence must wait for its end.",
                FindingText.Statements(open.Select(one => $"SELECT pg_terminate_backend({one.Pid})")));
        }

        return await source.ScalarAsync<bool>("SELECT pg_has_role('pg_read_all_stats', 'USAGE')", cancellationToken)
            ? Finding.Pass($"No transaction is open for more than {LongSeconds} s.")
            : Finding.Note($"No transaction of this role is open for more than {LongSeconds} s; those of other roles cannot be seen without pg_read_all_stats.");
    }
}
