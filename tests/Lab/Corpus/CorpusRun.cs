using System.Collections.Concurrent;

namespace HerokuMigrator.Lab;

/// <param name="Rows">About how many each table is filled with.</param>
/// <param name="Statements">How many the writers must at least have committed before a switch.</param>
/// <param name="AtATime">How many schemas move side by side.</param>
public sealed record CorpusRunOptions(int Rows, int Statements, int AtATime);

/// <summary>Moves schemas of the corpus, several at a time, each between databases of its own on one Heroku-like and one PlanetScale-like server.</summary>
public sealed class CorpusRun : IAsyncDisposable
{
    private readonly CorpusFolder _corpus;
    private readonly CorpusRunOptions _options;
    private readonly HerokuLikeServer _source;
    private readonly PlanetScaleLikeServer _target;
    private readonly CancellationTokenSource _stopping;
    private readonly ConcurrentQueue<CorpusSchema> _waiting;
    private readonly Dictionary<string, TaskCompletionSource<CorpusResult>> _results;
    private readonly Task _moving;

    private CorpusRun(CorpusFolder corpus, IReadOnlyList<CorpusSchema> schemas, CorpusRunOptions options, HerokuLikeServer source, PlanetScaleLikeServer target, CancellationToken cancellationToken)
    {
        _corpus = corpus;
        _options = options;
        _source = source;
        _target = target;
        _stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _results = schemas.ToDictionary(schema => schema.Name, _ => new TaskCompletionSource<CorpusResult>(TaskCreationOptions.RunContinuationsAsynchronously), StringComparer.Ordinal);
        // The largest ones first, so that none of them is left for the end alone.
        _waiting = new ConcurrentQueue<CorpusSchema>(schemas.OrderByDescending(schema => schema.Tables));
        _moving = Task.WhenAll(Enumerable.Range(0, options.AtATime).Select(_ => MoveOneAfterTheOtherAsync()));
    }

    public static async Task<CorpusRun> StartAsync(CorpusFolder corpus, IReadOnlyList<CorpusSchema> schemas, CorpusRunOptions options, CancellationToken cancellationToken)
    {
        var source = await HerokuLikeServer.StartAsync(cancellationToken);
        try
        {
            return new CorpusRun(corpus, schemas, options, source, await PlanetScaleLikeServer.StartAsync(cancellationToken), cancellationToken);
        }
        catch
        {
            await source.DisposeAsync();
            throw;
        }
    }

    /// <summary>Waits for the one schema; whatever else moves meanwhile. A move that broke is a result too.</summary>
    public Task<CorpusResult> ResultOfAsync(string schema, CancellationToken cancellationToken) => _results[schema].Task.WaitAsync(cancellationToken);

    /// <summary>Those that are there by now.</summary>
    public IReadOnlyList<CorpusResult> Results => [.. _results.Values.Where(result => result.Task.IsCompletedSuccessfully).Select(result => result.Task.Result).OrderBy(result => result.Schema.Tables).ThenBy(result => result.Schema.Name, StringComparer.Ordinal)];

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _moving;
        await _source.DisposeAsync();
        await _target.DisposeAsync();
        _stopping.Dispose();
    }

    private async Task MoveOneAfterTheOtherAsync()
    {
        await Task.Yield();
        while (_waiting.TryDequeue(out var schema))
        {
            var result = _results[schema.Name];
            try
            {
                _stopping.Token.ThrowIfCancellationRequested();
                await using var move = new LabMove(await _source.CreateDatabaseAsync(_stopping.Token), await _target.CreateDatabaseAsync(_stopping.Token));
                result.SetResult(await new CorpusMove(_corpus, schema, move).RunAsync(_options.Rows, _options.Statements, _stopping.Token));
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
                result.TrySetCanceled(_stopping.Token);
            }
            catch (Exception exception)
            {
                // What broke here must not leave the other schemas out.
                result.TrySetResult(new CorpusResult { Schema = schema, Met = [new Encounter("failure", "", exception.ToString())] });
            }
        }
    }
}
