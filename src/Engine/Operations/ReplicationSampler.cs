using HerokuMigrator.Bucardo;
using HerokuMigrator.State;

namespace HerokuMigrator.Operations;

/// <summary>
/// Leaves a line of history every ten seconds while the migration replicates. It costs the source one look at its statistics, not one at every delta table:
/// the backlog is what the statistics count in them, so it includes what is replayed and not purged yet, and the lag is the time since a run last ended well.
/// </summary>
internal sealed class ReplicationSampler(MigrationSession session)
{
    private static readonly TimeSpan Between = TimeSpan.FromSeconds(10);

    private DateTimeOffset _sampledAt;

    public async Task SampleAsync(CancellationToken cancellationToken)
    {
        if (DateTimeOffset.UtcNow - _sampledAt < Between)
        {
            return;
        }

        _sampledAt = DateTimeOffset.UtcNow;
        long backlog;
        await using (var source = await session.OpenSourceAsync(cancellationToken))
        {
            backlog = await source.ScalarAsync<long>(
                "SELECT coalesce(sum(n_live_tup), 0)::bigint FROM pg_stat_all_tables WHERE schemaname = 'bucardo' AND relname LIKE 'delta\\_%'", cancellationToken);
        }

        var runs = await SyncRuns.ReadAsync(session.Cluster.DataSource, cancellationToken);
        var lag = runs.LastGood is { } good ? Math.Max(0, (DateTimeOffset.UtcNow - good).TotalSeconds) : (double?)null;
        await using var target = await session.OpenTargetAsync(cancellationToken);
        await HandOverStore.SampleAsync(target, null, null, backlog, lag, null, cancellationToken);
    }
}
