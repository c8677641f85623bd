using HerokuMigrator.Catalog;
using HerokuMigrator.State;
using HerokuMigrator.Verification;

namespace HerokuMigrator.Operations;

/// <summary>
/// Compares one table after the other while the migration replicates, one statement at a time, each table again once its last comparison is old enough.
/// It gives way to whoever compares by hand, and to the end of the worker; a table that was cut off begins anew.
/// </summary>
internal sealed class BackgroundComparison(MigrationSession session) : IAsyncDisposable
{
    private const string Run = "background";
    private static readonly TimeSpan AfterFault = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan WhereNothingIsDue = TimeSpan.FromSeconds(10);

    private readonly ComparisonStore _store = new(session.Target);
    private CancellationTokenSource _cut = new();
    private Task _running = Task.CompletedTask;
    private DateTimeOffset _notBefore;

    /// <summary>To be called at each beat of the worker: begins with the next table, goes on, or gives way.</summary>
    public async Task BeatAsync(CancellationToken cancellationToken)
    {
        if (session.StartOptions.CompareEveryHours is not > 0 || await IsComparedByHandAsync(cancellationToken))
        {
            await EndAsync();
            return;
        }

        if (_running.IsCompleted && DateTimeOffset.UtcNow >= _notBefore)
        {
            await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _cut.Dispose();
            var cut = _cut = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            _running = Task.Run(() => CompareNextAsync(cut.Token), cut.Token);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await EndAsync();
        _cut.Dispose();
    }

    private async Task EndAsync()
    {
        await _cut.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task<bool> IsComparedByHandAsync(CancellationToken cancellationToken)
    {
        await using var target = await session.OpenTargetAsync(cancellationToken);
        return await OperatorLock.IsComparisonHeldAsync(target, cancellationToken);
    }

    private async Task CompareNextAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (await FindDueAsync(cancellationToken) is { } due)
            {
                await CompareAsync(due, cancellationToken);
            }
            else
            {
                _notBefore = DateTimeOffset.UtcNow + WhereNothingIsDue;
            }
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            // Whatever it is: nobody awaits this, and the worker goes on without it.
            _notBefore = DateTimeOffset.UtcNow + AfterFault;
            session.Events.Warning($"The comparison in the background was cut off, and begins again in {AfterFault.TotalSeconds:0} s: {exception.Message}");
        }
    }

    /// <summary>The table that was compared longest ago, if that is long enough; null where all are fresh.</summary>
    private async Task<TableInfo?> FindDueAsync(CancellationToken cancellationToken)
    {
        await _store.EnsureAsync(cancellationToken);
        var compared = (await _store.ReadProofsAsync(cancellationToken)).ToDictionary(proof => proof.Table, proof => proof.ComparedAt, StringComparer.Ordinal);
        var before = DateTimeOffset.UtcNow - TimeSpan.FromHours(session.StartOptions.CompareEveryHours!.Value);
        // Rows without a key cannot be told from rows that are merely behind while they are written.
        return (await session.Store.ReadTablesAsync(cancellationToken)).Where(row => row.Copied && row.Table.Mode == TransferMode.Replayed)
            .Select(row => (row.Table, At: compared.GetValueOrDefault(row.Table.QualifiedName)))
            .Where(row => row.At < before).OrderBy(row => row.At).ThenBy(row => row.Table.Bytes).Select(row => row.Table).FirstOrDefault();
    }

    private async Task CompareAsync(TableInfo table, CancellationToken cancellationToken)
    {
        var options = new ComparisonOptions { Jobs = 1 };
        await using var sides = await ComparisonSides.OpenAsync(session, options.Jobs, cancellationToken);
        IReadOnlyList<ComparedTable> planned;
        await using (var source = await session.OpenSourceAsync(cancellationToken))
        {
            planned = await new ComparisonPlanner(options).PlanAsync(source, [table], cancellationToken);
        }

        var context = new ComparisonContext(
            session, options, sides.Source, sides.Target, new ComparisonDoubts(session, await session.RequireMigrationAsync(cancellationToken)), (_, _, _) => Task.CompletedTask);
        var result = await new TableComparer(context, planned[0]).CompareAsync(new Dictionary<int, long>(), cancellationToken);
        await _store.SaveTableAsync(Run, table, result, result.Outcome == ComparisonOutcome.Equal, cancellationToken);
        if (!result.IsGood)
        {
            session.Events.Warning($"Compared in the background: {result}");
        }
    }
}
