using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace HerokuMigrator.Lab;

/// <summary>
/// A switch as the forerunner did it: stock Bucardo replicates, INSERT, UPDATE and DELETE are revoked in one schema from one role, and then the delta tables are watched,
/// once a second, until nothing is pending twice in a row. Nothing is locked or compared, and who is not that role writes on.
/// </summary>
internal static class ForerunnerSwitch
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    public static async Task MeasureAsync(WorkloadOptions workload, CancellationToken cancellationToken)
    {
        await using var source = await HerokuLikeServer.StartAsync(cancellationToken);
        await using var target = await PlanetScaleLikeServer.StartAsync(cancellationToken);
        var stateFolder = BenchMachine.CreateStateFolder();
        try
        {
            foreach (var database in new LabDatabase[] { source.Database, target.Database })
            {
                await ExecuteAsync(database, "CREATE TABLE public.ledger (id uuid PRIMARY KEY, writer integer NOT NULL, seq bigint NOT NULL, kind text NOT NULL, at timestamptz NOT NULL DEFAULT now())", cancellationToken);
            }

            await ExecuteAsync(source.Database, $"GRANT SELECT ON public.ledger TO \"{source.Database.Reader.Name}\"; GRANT INSERT ON public.ledger TO \"{source.Database.Credential.Name}\"", cancellationToken);
            await using var bucardo = new StockBucardo(source.Database, target.Database, stateFolder);
            await bucardo.SetUpAsync(cancellationToken);
            await using var writers = Workload.StartLedgerOnly(source.Database, workload with { LongTransactions = 0, TruncateEvery = null });
            await writers.WaitForCommitsAsync(2000, TimeSpan.FromSeconds(60), cancellationToken);
            var clock = Stopwatch.StartNew();
            await ExecuteAsync(source.Database, $"REVOKE INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public FROM \"{source.Database.Owner.Name}\"", cancellationToken);
            var patience = TimeSpan.FromSeconds(60);
            for (var quiet = 0; quiet < 2 && clock.Elapsed < patience; quiet = await PendingAsync(source.Database, cancellationToken) == 0 ? quiet + 1 : 0)
            {
                await Task.Delay(Look, cancellationToken);
            }

            await Console.Out.WriteLineAsync(string.Create(
                CultureInfo.InvariantCulture,
                $"the forerunner's way (REVOKE, then a look at the backlog each second until it was empty twice; one table, stock Bucardo{(clock.Elapsed < patience ? "" : "; given up")}): {clock.Elapsed.TotalMilliseconds:0} ms; {writers}"));
        }
        finally
        {
            LeftoverProcesses.Kill(stateFolder);
            Directory.Delete(stateFolder, recursive: true);
        }
    }

    private static async Task<long> PendingAsync(LabDatabase source, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(source.AdminConnectionString);
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(
            "SELECT count(*) FROM bucardo.delta_public_ledger d WHERE NOT EXISTS (SELECT FROM bucardo.track_public_ledger t WHERE t.txntime = d.txntime)", connection);
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    private static async Task ExecuteAsync(LabDatabase database, string sql, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(database.ConnectionString);
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
