using System.Text.Json;
using HerokuMigrator.Catalog;
using HerokuMigrator.Cutover;
using HerokuMigrator.Operations;
using HerokuMigrator.State;
using Npgsql;

namespace HerokuMigrator.History;

/// <summary>Gathers what the state on the target keeps of a migration.</summary>
internal sealed class HistoryReader(MigrationSession session)
{
    /// <summary>Null where the target has no state of this migration; throws where it cannot be asked.</summary>
    public async Task<MigrationHistory?> ReadAsync(CancellationToken cancellationToken)
    {
        await using var target = await session.OpenTargetAsync(cancellationToken);
        if (await StateStore.ReadAsync(target, cancellationToken) is not { } row || row.Name != session.Name)
        {
            return null;
        }

        var store = new ComparisonStore(session.Target);
        var events = await EventStore.ReadAsync(target, 0, cancellationToken);
        return new MigrationHistory
        {
            Name = session.Name,
            Phase = row.Phase,
            Source = session.SourceSettings.Address,
            Target = session.TargetSettings.Address,
            GatheredAt = DateTimeOffset.UtcNow,
            StartedAt = row.StartedAt,
            Failure = row.Failure,
            Phases = [new PhaseChange(row.StartedAt, null, MigrationPhase.Preparing), .. events.Where(one => one.Phases is not null).Select(one => new PhaseChange(one.At, one.Phases!.Value.From, one.Phases.Value.To))],
            Samples = await ReadSamplesAsync(target, cancellationToken),
            Tables = await ReadTablesAsync(target, cancellationToken),
            Comparisons = [.. (await store.ReadResultsAsync(cancellationToken)).Select(comparison => comparison with { Differences = [] })],
            Proofs = await store.ReadProofsAsync(cancellationToken),
            Switches = await ReadSwitchesAsync(events, cancellationToken),
            Readiness = await StartReadiness.ReadAsync(target, cancellationToken),
        };
    }

    private static Task<List<HistorySample>> ReadSamplesAsync(NpgsqlConnection target, CancellationToken cancellationToken) => target.ListAsync(
        "SELECT at, phase, copied_bytes, copied_rows, backlog_rows, lag_seconds, throttle FROM heroku_migrator.sample ORDER BY at",
        row => new HistorySample(
            row.GetFieldValue<DateTimeOffset>(0), Enum.Parse<MigrationPhase>(row.GetString(1)), Long(row, 2), Long(row, 3), Long(row, 4),
            row.IsDBNull(5) ? null : row.GetDouble(5), row.IsDBNull(6) ? null : row.GetString(6)),
        cancellationToken);

    private static Task<List<TableHistory>> ReadTablesAsync(NpgsqlConnection target, CancellationToken cancellationToken) => target.ListAsync(
        "SELECT plan::text, rows, bytes, copy_begun_at, copied_at FROM heroku_migrator.moved_table ORDER BY schema_name, table_name",
        row =>
        {
            var table = JsonSerializer.Deserialize<TableInfo>(row.GetString(0))!;
            return new TableHistory(table.QualifiedName, table.Mode, table.ModeReason, row.GetInt64(1), row.GetInt64(2), Moment(row, 3), Moment(row, 4));
        },
        cancellationToken);

    /// <summary>The state's, and the certificate on this machine where a program ended before it had noted it there.</summary>
    private async Task<IReadOnlyList<SwitchRecord>> ReadSwitchesAsync(IReadOnlyList<StateEvent> events, CancellationToken cancellationToken)
    {
        var noted = events.Where(one => one.Detail is not null)
            .Select(one => new SwitchRecord(one.At, one.Kind == StateEvent.UndoKind, JsonSerializer.Deserialize<TrafficSwitch>(one.Detail!)!))
            .ToList();
        if ((await CertificateFile.ReadAsync(session, cancellationToken))?.Switch is { FencedAt: { } at, IsRehearsal: false } certificate && noted.TrueForAll(one => one.Result.FencedAt != at))
        {
            noted.Add(new SwitchRecord(certificate.SafeAt ?? at, IsUndo: false, certificate));
        }

        return [.. noted.OrderBy(one => one.At)];
    }

    private static long? Long(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetInt64(column);

    private static DateTimeOffset? Moment(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetFieldValue<DateTimeOffset>(column);
}
