using System.Diagnostics;

namespace HerokuMigrator.Lab;

/// <summary>Moves one schema of the corpus under live writes, and holds against the readiness report whatever it meets.</summary>
public sealed class CorpusMove(CorpusFolder corpus, CorpusSchema schema, LabMove move)
{
    private const double StatementsPerSecond = 60;

    // Several of them move at a time, maybe on a machine that has other things to do.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(180);

    private readonly List<Encounter> _met = [];
    private readonly List<string> _remarks = [];
    private List<string> _refusedBySource = [];
    private SourceFootprint? _before;
    private CorpusResult _result = new() { Schema = schema };

    /// <param name="rows">About how many each table is filled with.</param>
    /// <param name="statements">How many statements the writers must at least have committed before the switch.</param>
    public async Task<CorpusResult> RunAsync(int rows, int statements, CancellationToken cancellationToken)
    {
        var watch = Stopwatch.StartNew();
        var fill = await CorpusSource.CreateAsync(corpus, schema, move.Source, rows, cancellationToken);
        _remarks.AddRange(fill.LoadErrors.Concat(fill.Empty.Select(table => "stayed empty: " + table)).Concat(fill.StaleViews.Select(view => "not filled: " + view)));
        await using var workload = await AnyTableWorkload.StartAsync(move.Source, StatementsPerSecond, seed: 1, cancellationToken);
        try
        {
            await MoveAsync(workload, statements, cancellationToken);
            await EndAsync(cancellationToken);
        }
        catch (MigrationException exception)
        {
            _met.Add(Encounter.OfError(exception));
        }

        await workload.StopAsync();
        _remarks.AddRange(workload.Errors.Select(error => $"a writer met {error}"));
        _remarks.Add($"{workload.TablesWritten} of {workload.Tables} tables written, skipped: {string.Join(", ", workload.Skipped.OrderByDescending(pair => pair.Value).Select(pair => $"{pair.Key} {pair.Value}"))}");
        _met.InsertRange(0, move.Events.Warnings.Select(Encounter.OfWarning));
        // The writers' rows are to blame, and an application would see the same without any move.
        _met.RemoveAll(encounter => _refusedBySource.Contains(encounter.Object));
        return _result with
        {
            Statements = workload.Committed,
            TablesWritten = workload.TablesWritten,
            Kinds = workload.Kinds,
            KeylessWritten = workload.Written.Count(table => table.IsKeyless),
            PartitionsWritten = workload.Written.Count(table => table.IsPartitioned || table.IsPartition),
            Met = _met,
            Remarks = _remarks,
            IsEqual = _result.IsEqual && _met.TrueForAll(encounter => encounter.What != "leftover"),
            Duration = watch.Elapsed,
        };
    }

    private async Task MoveAsync(AnyTableWorkload workload, int statements, CancellationToken cancellationToken)
    {
        await using var migrator = move.NewMigrator();
        var report = await migrator.TestReadinessAsync(cancellationToken);
        _result = _result with { Report = report };
        if (!report.IsReady)
        {
            _result = _result with { DumpErrors = await BlockedFindings.RestoreDumpAsync(move, cancellationToken) };
            _result = _result with { Remedies = await BlockedFindings.MendAsync(report, move, cancellationToken) };
            _result = _result with { ReportAfterRemedies = await migrator.TestReadinessAsync(cancellationToken) };
        }

        _before = await SourceFootprint.CaptureAsync(move.Source, cancellationToken);
        var migration = await migrator.StartAsync(cancellationToken);
        await workload.WaitForCommitsAsync(statements, Patience, cancellationToken);
        await migrator.WaitUntilReadyAsync(Patience, cancellationToken);
        var outcome = await migrator.SwitchAsync(new SwitchOptions(), cancellationToken);
        _result = _result with { WritePauseMs = outcome.WritePauseMs, CopiedWhole = migration.TablesCopiedWhole, CopiedUnderFence = outcome.TablesCopiedWhole.Count };
    }

    private async Task EndAsync(CancellationToken cancellationToken)
    {
        var refused = await StaleViews.RefreshAsync(move.Source, cancellationToken);
        _refusedBySource = [.. refused.Keys];
        _remarks.AddRange(refused.Select(view => $"the source itself refuses to refresh {view.Key}: {view.Value}"));
        var contents = await DatabaseContents.CompareAsync(move.Source, move.Target, cancellationToken);
        var differences = contents.Differences.Concat(await ExtensionDifferences.FindAsync(move, cancellationToken)).Select(Encounter.OfDifference).ToList();
        _met.AddRange(differences);
        await using var migrator = move.NewMigrator();
        await migrator.CompleteAsync(cancellationToken);
        var after = await SourceFootprint.CaptureAsync(move.Source, cancellationToken);
        var left = _before!.DifferencesTo(after).Concat(await DatabaseContents.FindMachineryAsync(move.Target.AdminConnectionString, cancellationToken));
        _met.AddRange(left.Select(line => new Encounter("leftover", "", line)));
        _result = _result with { Tables = contents.Tables, Rows = contents.Rows, IsEqual = contents.Differences.All(line => _refusedBySource.Contains(Encounter.OfDifference(line).Object)) };
    }
}
