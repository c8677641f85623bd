using HerokuMigrator.Catalog;
using Npgsql;

namespace HerokuMigrator.Readiness;

internal sealed class PartitionMaintenance : IReadinessCheck
{
    /// <summary>A migration may be open for that long, and needs no new partition meanwhile.</summary>
    private static readonly TimeSpan Ahead = TimeSpan.FromDays(7);

    /// <summary>Where pg_cron and pg_partman keep what they do; by the shape of the table, as their schemas differ.</summary>
    private const string ManagersSql = """
        SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind = 'r' AND (n.nspname = 'cron' AND c.relname = 'job' OR c.relname = 'part_config')
          AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = CASE c.relname WHEN 'job' THEN 'command' ELSE 'parent_table' END AND NOT a.attisdropped)
          AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
        ORDER BY 1, 2
        """;

    /// <summary>
    /// Partitions by a range of one date or time, without a default one beside them; the bound as SQL writes it. Without the relation's oid,
    /// pg_get_expr takes no lock.
    /// </summary>
    private const string RangesSql = $"""
        SELECT n.nspname, c.relname, ln.nspname, l.relname, pg_get_expr(l.relpartbound, 0)
        FROM pg_partitioned_table p JOIN pg_class c ON c.oid = p.partrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.partattrs[0] AND a.atttypid IN ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype)
        JOIN pg_inherits i ON i.inhparent = c.oid JOIN pg_class l ON l.oid = i.inhrelid JOIN pg_namespace ln ON ln.oid = l.relnamespace
        WHERE p.partstrat = 'r' AND p.partnatts = 1 AND p.partdefid = 0 AND {UserObjects.RelationFilter}
        ORDER BY 1, 2
        """;

    public string Id => nameof(PartitionMaintenance);

    public string Group => CheckGroup.Schema;

    public string Title => "No partition need be made while the migration runs";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        var jobs = new List<string>();
        foreach (var (schema, table) in await source.ListAsync(ManagersSql, row => (row.GetString(0), row.GetString(1)), cancellationToken))
        {
            jobs.AddRange(await ReadJobsAsync(source, schema, table, cancellationToken));
        }

        var now = await source.ScalarAsync<DateTime>("SELECT now()::timestamp", cancellationToken);
        var partitions = await source.ListAsync(
            RangesSql, row => RangePartition.Parse((row.GetString(0), row.GetString(1)), (row.GetString(2), row.GetString(3)), row.GetString(4)), cancellationToken);
        // A table whose last partition has long ended is no longer written by time.
        var ending = partitions.OfType<RangePartition>().GroupBy(one => one.Table).Select(group => group.MaxBy(one => one.To)!)
            .Where(last => last.To < now + Ahead && last.To > now - Ahead).ToList();
        if (jobs.Count + ending.Count == 0)
        {
            return Finding.Pass(partitions.Count == 0 ? "No partitions by time, and no job that makes any, were found." : "The partitions by time reach far enough, and no job that makes any was found.");
        }

        var making = ending.SelectMany(last => last.Following(now + Ahead)).ToList();
        return Finding.Warning(
            string.Join(" ", new[]
            {
                jobs.Count == 0 ? "" : $"Partitions are made by {FindingText.Count(jobs.Count, "job")}: {FindingText.Several(jobs)}.",
                ending.Count == 0 ? "" : $"The partitions of {FindingText.Count(ending.Count, "table")} end within {Ahead.TotalDays:0} days: {FindingText.Several(ending.ConvertAll(last => FormattableString.Invariant($"{last.TableName} ({last.To:yyyy-MM-dd HH:mm})")))}.",
            }.Where(part => part.Length > 0)),
            "Partitions that are made or dropped while the migration replicates are followed on the target; one that comes in the moment when the fence closes makes the switch take itself back, and a whole new table is refused.",
            (making.Count == 0 ? "" : $"-- on the source, before the start:\n{FindingText.Statements(making)}")
            + (making.Count > 0 && jobs.Count > 0 ? "\n" : "")
            + (jobs.Count == 0 ? "" : "-- make the partitions of the coming days before the start, and let the jobs rest until the switch: SELECT cron.unschedule(…); then set them up on the target"),
            [.. ending.Select(last => last.TableName), .. jobs]);
    }

    /// <summary>One look, without waiting; what the role may not see is not told.</summary>
    private static async Task<List<string>> ReadJobsAsync(NpgsqlConnection source, string schema, string table, CancellationToken cancellationToken)
    {
        var name = SqlName.Qualify(schema, table);
        var sql = table == "job"
            ? $"SELECT 'cron job: ' || left(regexp_replace(command, '\\s+', ' ', 'g'), 120) FROM {name} WHERE command ~* 'partition|partman' ORDER BY 1 LIMIT 50"
            : $"SELECT 'pg_partman: ' || parent_table FROM {name} ORDER BY 1 LIMIT 1000";
        await using var transaction = await source.BeginTransactionAsync(cancellationToken);
        try
        {
            await source.ExecuteAsync("SET LOCAL lock_timeout = '200ms'; SET LOCAL row_security = on", cancellationToken);
            return await source.ListAsync(sql, row => row.GetString(0), cancellationToken);
        }
        catch (PostgresException)
        {
            return [];
        }
    }
}
