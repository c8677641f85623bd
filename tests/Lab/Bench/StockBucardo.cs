using HerokuMigrator.Bucardo;
using HerokuMigrator.Catalog;
using HerokuMigrator.Connections;
using HerokuMigrator.Operations;
using Npgsql;

namespace HerokuMigrator.Lab;

/// <summary>
/// Bucardo as <c>bucardo add sync</c> sets it up: it makes its own capture in one transaction, and its settings are those that it comes with.
/// Only its control cluster and the way in to both databases are the product's, and the copy is left out (onetimecopy is off).
/// </summary>
internal sealed class StockBucardo(LabDatabase source, LabDatabase target, string stateFolder) : IAsyncDisposable
{
    /// <summary>What bucardo.schema sets, where the product sets something else.</summary>
    private const string Defaults = """
        UPDATE bucardo.bucardo_config c SET setting = d.setting FROM (VALUES ('quick_delta_check', '1'), ('bucardo_vac', '1'), ('mcp_loop_sleep', '0.2'),
            ('ctl_sleep', '0.2'), ('kid_sleep', '0.5'), ('kid_nodeltarows_sleep', '0.5'), ('ctl_checkonkids_time', '10'), ('log_microsecond', '0')) d(name, setting) WHERE c.name = d.name
        """;

    private readonly TextEvents _events = new(TextWriter.Null);
    private MigrationSession? _session;

    public string Home => Session.Home.Folder;

    private MigrationSession Session => _session ?? throw new InvalidOperationException("It was not set up.");

    /// <summary>Makes capture on the source, and leaves the daemon running.</summary>
    public async Task SetUpAsync(CancellationToken cancellationToken)
    {
        foreach (var database in new[] { source, target })
        {
            await ExecuteAsync(database, "CREATE SCHEMA heroku_migrator; CREATE TABLE heroku_migrator.sentinel (id integer PRIMARY KEY, mark text NOT NULL)", cancellationToken);
        }

        _session = await MigrationSession.OpenAsync(
            new MigratorOptions { Name = "stock", SourceUrl = source.Url, TargetUrl = target.Url, StateRoot = stateFolder }, "bench", _events, cancellationToken);
        IReadOnlyList<TableInfo> tables;
        await using (var connection = await _session.OpenSourceAsync(cancellationToken))
        {
            tables = (await CatalogReader.ReadAsync(connection, cancellationToken)).Tables;
        }

        await new Replication(_session).EnsureRunningAsync([.. tables.Where(table => table.Mode == TransferMode.Replayed)], cancellationToken);
        await StopAsync(cancellationToken);
        await using var control = await _session.Cluster.DataSource.OpenConnectionAsync(cancellationToken);
        await using var command = new NpgsqlCommand(Defaults, control);
        await command.ExecuteNonQueryAsync(cancellationToken);
        await StartAsync(cancellationToken);
    }

    /// <summary>Copies everything by onetimecopy; returns once its one transaction is through.</summary>
    public async Task CopyAsync(CancellationToken cancellationToken)
    {
        await SetUpAsync(cancellationToken);
        await StopAsync(cancellationToken);
        await using var control = await Session.Cluster.DataSource.OpenConnectionAsync(cancellationToken);
        await using var on = new NpgsqlCommand("UPDATE bucardo.sync SET onetimecopy = 1; DELETE FROM bucardo.syncrun", control);
        await on.ExecuteNonQueryAsync(cancellationToken);
        await StartAsync(cancellationToken);
        await using var over = new NpgsqlCommand("SELECT onetimecopy = 0 FROM bucardo.sync", control);
        while (await over.ExecuteScalarAsync(cancellationToken) is not true)
        {
            await Task.Delay(100, cancellationToken);
        }
    }

    public Task StartAsync(CancellationToken cancellationToken) =>
        Session.Daemon.StartAsync(ConnectionSettings.ServiceEnvironment(Session.Home.BucardoFolder), cancellationToken);

    public Task StopAsync(CancellationToken cancellationToken) => Session.Daemon.StopAsync(cancellationToken);

    /// <summary>Its status is what a person would look at; it starts a run, or waits for the one under way.</summary>
    public Task KickAsync(CancellationToken cancellationToken) => Session.Daemon.KickAsync(cancellationToken);

    public async ValueTask DisposeAsync()
    {
        if (_session is not null)
        {
            await _session.Daemon.KillAsync(CancellationToken.None);
            await _session.Cluster.StopAsync(CancellationToken.None);
            await _session.DisposeAsync();
        }
    }

    private static async Task ExecuteAsync(LabDatabase database, string sql, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(database.ConnectionString);
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
