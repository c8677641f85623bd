using HerokuMigrator.Operations;
using HerokuMigrator.State;
using Npgsql;

namespace HerokuMigrator.Status;

/// <summary>Looks at a migration again and again until it has ended. A side that is away for a while is told, and ends nothing.</summary>
internal sealed class StatusFollower(MigrationSession session)
{
    private const int TablesShown = 16;

    private static readonly TimeSpan Between = TimeSpan.FromSeconds(1);

    private readonly StatusReader _reader = new(session);
    private readonly PhaseReporter _phases = new(session.Face);
    private SyncStatus? _last;

    /// <param name="show">Called with each look; the next one waits for it.</param>
    /// <param name="cancellationToken">Ends the looking.</param>
    public async Task<SyncStatus> RunAsync(Func<LiveStatus, CancellationToken, Task> show, CancellationToken cancellationToken)
    {
        while (true)
        {
            var status = await LookAsync(cancellationToken);
            _phases.Tell(status);
            await show(new LiveStatus(status, Tables(status)), cancellationToken);
            if (status.Phase is MigrationPhase.Completed or MigrationPhase.Aborted or MigrationPhase.NotStarted)
            {
                return status;
            }

            await Task.Delay(Between, cancellationToken);
        }
    }

    private async Task<SyncStatus> LookAsync(CancellationToken cancellationToken)
    {
        try
        {
            return _last = await _reader.ReadAsync(cancellationToken);
        }
        catch (Exception exception) when (_last is not null && exception is NpgsqlException or MigrationException { Kind: ErrorKind.ConnectionError or ErrorKind.ResourceUnavailable })
        {
            // Whoever looks for hours has a network that fails now and then.
            return _last! with { Problems = [$"{exception.Message} What is shown is of {_last!.SampledAt.UtcDateTime:HH:mm:ss} UTC.", .. _last.Problems] };
        }
    }

    private List<LiveTable> Tables(SyncStatus status)
    {
        if (status.Copy is not { IsCopying: true } copy)
        {
            return [];
        }

        var running = copy.Running.ToLookup(item => item.Name, StringComparer.Ordinal);
        return
        [
            .. _reader.Tables.Where(row => row.Table.Mode != Catalog.TransferMode.LeftOut)
                .Select(row => Live(row, running[$"{row.Table.Schema}.{row.Table.Name}"].FirstOrDefault()))
                .OrderByDescending(table => table.IsRunning).ThenByDescending(table => table.Bytes).Take(TablesShown),
        ];
    }

    private static LiveTable Live(TableRow row, CopyItem? running) =>
        new($"{row.Table.Schema}.{row.Table.Name}", row.Table.Bytes, running is null ? (row.Copied ? 100 : 0) : running.Percent, running is not null && !row.Copied);
}
