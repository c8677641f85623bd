using HerokuMigrator.History;
using HerokuMigrator.Logs;
using HerokuMigrator.Reporting;
using HerokuMigrator.Reporting.Html;
using HerokuMigrator.State;
using HerokuMigrator.Status;
using Npgsql;

namespace HerokuMigrator.Operations;

/// <summary>Gathers what is known of a migration, and writes it as a page. Changes nothing on either side.</summary>
/// <param name="session">Null where nothing tells the databases: the migration has ended.</param>
/// <param name="options">Which migration.</param>
/// <param name="events">Hears of what could not be asked.</param>
internal sealed class ReportOperation(MigrationSession? session, MigratorOptions options, IOperationEvents events)
{
    private const int DiagnosticEntries = 2000;

    private readonly MigrationHome _home = MigrationHome.Locate(options.Name, options.StateRoot);

    public async Task WriteAsync(MigrationReportFile file, CancellationToken cancellationToken)
    {
        var history = await ReadHistoryAsync(cancellationToken) ?? throw Errors.UnknownMigrationHere(_home.Name, _home.Folder);
        var status = history.EndedAt is null ? await ReadStatusAsync(cancellationToken) : null;
        var warnings = await ReadLogAsync(new LogOptions { Level = MigrationLogLevel.Warning, Since = history.StartedAt }, cancellationToken);
        var model = new ReportModel(history, status, warnings, ProgramVersion.Text);
        var log = file.HasDiagnostics
            ? await ReadLogAsync(new LogOptions { Level = MigrationLogLevel.Verbose, Since = history.StartedAt, Tail = DiagnosticEntries }, cancellationToken)
            : [];
        await file.WriteAsync(ReportPage.Of(model), () => new DiagnosticBundle(SecretMask.Of(session), _home).Of(model with { Log = log }), cancellationToken);
    }

    private async Task<IReadOnlyList<MigrationLogEntry>> ReadLogAsync(LogOptions logOptions, CancellationToken cancellationToken) =>
        await LogReader.Open(session, options, events).ReadAsync(logOptions, cancellationToken);

    /// <summary>The state's, or what is kept of a migration that has ended.</summary>
    private async Task<MigrationHistory?> ReadHistoryAsync(CancellationToken cancellationToken)
    {
        var kept = await HistoryFile.ReadAsync(_home, cancellationToken);
        if (session is null)
        {
            return kept;
        }

        try
        {
            return await new HistoryReader(session).ReadAsync(cancellationToken) ?? kept;
        }
        catch (Exception exception) when (exception is NpgsqlException or MigrationException)
        {
            if (kept is null)
            {
                throw Errors.Known(exception);
            }

            events.Verbose($"The report is made of what this machine has kept, as the target does not answer: {exception.Message}");
            return kept;
        }
    }

    private async Task<SyncStatus?> ReadStatusAsync(CancellationToken cancellationToken)
    {
        try
        {
            return session is null ? null : await new StatusReader(session).ReadAsync(cancellationToken);
        }
        catch (Exception exception) when (exception is NpgsqlException or MigrationException)
        {
            events.Warning($"Where the migration stands just now is missing in the report: {exception.Message}");
            return null;
        }
    }
}
