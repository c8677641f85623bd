using HerokuMigrator.History;
using HerokuMigrator.Logs;

namespace HerokuMigrator.Reporting.Html;

/// <summary>All that a report is made of.</summary>
/// <param name="History">What is kept of the migration.</param>
/// <param name="Status">Where it stands now; null where it has ended, or cannot be asked.</param>
/// <param name="Log">What its log warns of, and its errors.</param>
/// <param name="Version">Of this program.</param>
internal sealed record ReportModel(MigrationHistory History, SyncStatus? Status, IReadOnlyList<MigrationLogEntry> Log, string Version)
{
    /// <summary>Up to where the times of the report run.</summary>
    public DateTimeOffset Until => History.EndedAt ?? History.GatheredAt;

    public IReadOnlyList<PhaseSpan> Phases { get; } =
    [
        .. History.Phases.Select((change, at) => new PhaseSpan(
            change.To, change.At, at + 1 < History.Phases.Count ? History.Phases[at + 1].At : History.EndedAt ?? History.GatheredAt)),
    ];

    /// <summary>The last switch that was not undone.</summary>
    public TrafficSwitch? StandingSwitch => History.Switches.LastOrDefault() is { IsUndo: false } last ? last.Result : null;

    /// <summary>What the page shows of it: servers quote rows in what they say.</summary>
    public ReportModel WithoutRowValues() => this with
    {
        History = History with { Failure = History.Failure is { } failure ? RowValues.Mask(failure) : null },
        Status = Status is { } status ? status with
        {
            Problems = [.. status.Problems.Select(RowValues.Mask)],
            SwitchReasons = [.. status.SwitchReasons.Select(reason => reason with { Finding = RowValues.Mask(reason.Finding) })],
        } : null,
        Log = [.. Log.Select(entry => entry with { Message = RowValues.Mask(entry.Message) })],
    };
}
