using HerokuMigrator.History;

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
}
