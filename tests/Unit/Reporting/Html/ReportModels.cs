using HerokuMigrator.Catalog;
using HerokuMigrator.History;
using HerokuMigrator.Reporting.Html;

namespace HerokuMigrator.Unit.Reporting.Html;

/// <summary>What reports are made of, with all that can be in one.</summary>
internal static class ReportModels
{
    public const string Awkward = "\"public\".\"Käse.Bröt <script>alert(1)</script> & 'co'\"";

    private static readonly DateTimeOffset Start = new(2026, 3, 4, 21, 30, 12, TimeSpan.Zero);
    private static readonly DatabaseAddress Source = new("ec2-34-200-1-2.compute-1.amazonaws.com", 5432, "d8s7f6g5h4j3k2", "u4k5j6h7g8f9d0", "postgres://app:S3cr3t-never-shown@db.example/shop");
    private static readonly DatabaseAddress Target = new("aws.connect.psdb.cloud", 5432, "shop", "pscale_api_x1y2z3");

    /// <summary>Copied for a while, replicated, switched, undone, switched again, and completed.</summary>
    /// <param name="hours">How long it replicated.</param>
    public static ReportModel Completed(double hours)
    {
        var copyEnd = Start.AddMinutes(14);
        var replicating = copyEnd.AddMinutes(3);
        var first = replicating.AddHours(hours * 0.6);
        var second = replicating.AddHours(hours);
        var end = second.AddMinutes(6);
        return new ReportModel(
            new MigrationHistory
            {
                Name = "shop",
                Phase = MigrationPhase.Completed,
                Source = Source,
                Target = Target,
                GatheredAt = end,
                StartedAt = Start,
                EndedAt = end,
                Phases = Phases(
                    (Start, MigrationPhase.Preparing), (Start.AddSeconds(9), MigrationPhase.Copying), (copyEnd, MigrationPhase.CatchingUp), (replicating, MigrationPhase.Replicating),
                    (first, MigrationPhase.Switching), (first.AddSeconds(1), MigrationPhase.Switched), (first.AddMinutes(1), MigrationPhase.CatchingUp), (first.AddMinutes(1.2), MigrationPhase.Replicating),
                    (second, MigrationPhase.Switching), (second.AddSeconds(1), MigrationPhase.Switched), (end.AddSeconds(-4), MigrationPhase.Completing), (end, MigrationPhase.Completed)),
                Samples = [.. CopySamples(copyEnd), .. ReplicationSamples(replicating, second)],
                Tables = Tables(),
                Comparisons = Comparisons(second),
                Proofs = [.. Comparisons(second).Select(result => new TableProof(result.Table, result.ComparedAt, result.Outcome, result.IsGood ? result.ComparedAt : null))],
                Switches = [Switch(first), new SwitchRecord(first.AddMinutes(1), IsUndo: true, new TrafficSwitch { Name = "shop", Phase = MigrationPhase.Replicating, Roles = ["app"], TablesWrittenOnTarget = [Awkward] }), Switch(second)],
                Readiness = Reports.Of(
                    Reports.Check("TablesCopiedWhole", CheckStatus.Warning, $"1 table has no usable key: {Awkward}", $"ALTER TABLE {Awkward} ADD PRIMARY KEY (id);") with { Reason = "It is copied again under the fence where it was written.", Objects = [Awkward] },
                    Reports.Check("Regions", CheckStatus.Note, "Both servers are in us-east-1."), Reports.Check("SameDatabase", CheckStatus.Pass), Reports.Check("TargetEmpty", CheckStatus.Pass)),
            },
            Status: null,
            [
                new MigrationLogEntry { Time = first.AddMinutes(-2), Level = MigrationLogLevel.Warning, Source = MigrationLogSource.Bucardo, Table = Awkward, Message = $"Warning: deadlock on {Awkward}\nwill try again\u0007" },
                new MigrationLogEntry { Time = first, Level = MigrationLogLevel.Error, Source = MigrationLogSource.Program, Message = "SwitchRefused: to postgres://app:S3cr3t-never-shown@db.example/shop" },
            ],
            "0.1.0");
    }

    /// <summary>Nothing but what a migration that has just been begun has.</summary>
    public static ReportModel Begun() => new(
        new MigrationHistory { Name = "a", Phase = MigrationPhase.Preparing, Source = Source, Target = Target, StartedAt = Start, GatheredAt = Start.AddSeconds(2), Phases = Phases((Start, MigrationPhase.Preparing)) }, null, [], "0.1.0");

    private static IReadOnlyList<PhaseChange> Phases(params (DateTimeOffset At, MigrationPhase Phase)[] phases) =>
        [.. phases.Select((phase, at) => new PhaseChange(phase.At, at == 0 ? null : phases[at - 1].Phase, phase.Phase))];

    private static IEnumerable<HistorySample> CopySamples(DateTimeOffset end)
    {
        var bytes = 0.0;
        for (var (at, n) = (Start.AddSeconds(10), 0); at < end; (at, n) = (at.AddSeconds(10), n + 1))
        {
            yield return new HistorySample(at, MigrationPhase.Copying, (long)bytes, (long)bytes / 120, null, null, n is > 30 and < 42 ? "the source is short of processors" : null);
            bytes += (n is > 30 and < 42 ? 12e6 : 48e6 + (9e6 * Math.Sin(n / 4.0))) * 10;
        }
    }

    /// <summary>As far apart as they are kept.</summary>
    private static IEnumerable<HistorySample> ReplicationSamples(DateTimeOffset from, DateTimeOffset to)
    {
        for (var at = from; at < to; at += TimeSpan.FromSeconds((to - at).TotalHours switch { < 1 => 10, < 24 => 60, _ => 900 }))
        {
            var passed = (at - from) / (to - from);
            // The machine was away for a while.
            if (passed is < 0.72 or > 0.8)
            {
                var backlog = 60 + (40 * Math.Sin(passed * 40)) + (passed is > 0.3 and < 0.35 ? 9_000 - (180_000 * (passed - 0.3)) : 0);
                yield return new HistorySample(at, MigrationPhase.Replicating, null, null, (long)backlog, 0.4 + (backlog / 900), null);
            }
        }
    }

    private static IReadOnlyList<TableHistory> Tables() =>
    [
        Table("\"public\".\"events\"", 41_873_220, 19_400_000_000, 760),
        Table("\"public\".\"orders\"", 6_201_044, 4_100_000_000, 214),
        Table("\"billing\".\"invoice_lines\"", 9_744_120, 3_020_000_000, 187),
        Table(Awkward, 812, 96_000, 0.4) with { Mode = TransferMode.CopiedWhole, ModeReason = "it has no key" },
        Table("\"public\".\"audit_log\"", 0, 0, null) with { Mode = TransferMode.LeftOut, ModeReason = "it has no key" },
        .. Enumerable.Range(1, 60).Select(n => Table($"\"public\".\"table_{n}\"", n * 1000, n * 240_000, n * 0.3)),
    ];

    private static TableHistory Table(string name, long rows, long bytes, double? seconds) =>
        new(name, TransferMode.Replayed, "", rows, bytes, seconds is null ? null : Start.AddSeconds(10), seconds is { } took ? Start.AddSeconds(10 + took) : null);

    private static IReadOnlyList<DataComparison> Comparisons(DateTimeOffset at) =>
    [
        .. Tables().Where(table => table.Mode != TransferMode.LeftOut).Select((table, n) => new DataComparison
        {
            Name = "shop",
            Table = table.Name,
            Outcome = n switch { 3 => ComparisonOutcome.Different, 2 => ComparisonOutcome.Repaired, _ => ComparisonOutcome.Equal },
            SourceRows = table.Rows,
            TargetRows = n == 3 ? table.Rows - 2 : table.Rows,
            RowsDiffering = n == 3 ? 2 : 0,
            Differences = n == 3 ? [new DataDifference { Kind = DifferenceKind.Missing, Key = "email=somebody@example.org" }] : [],
            Seconds = table.Seconds / 8 ?? 0,
            ComparedAt = at,
        }),
    ];

    private static SwitchRecord Switch(DateTimeOffset at) => new(
        at.AddSeconds(1),
        IsUndo: false,
        new TrafficSwitch
        {
            Name = "shop",
            Phase = MigrationPhase.Switched,
            FencedAt = at.AddMilliseconds(214),
            SafeAt = at.AddMilliseconds(826),
            WritePauseMs = 612,
            LockAttempts = 2,
            FailedAttemptsMs = 600,
            SentinelMs = 187,
            TablesFenced = 65,
            Roles = ["app", "reporting", "Ünïcode <b>"],
            SequencesSet = 31,
            TablesCopiedWhole = [Awkward],
        });
}
