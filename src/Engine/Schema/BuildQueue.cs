namespace HerokuMigrator.Schema;

/// <summary>A piece of work on a table of the target.</summary>
/// <param name="Table">Quoted as <see cref="Catalog.SqlName"/> does; null where that is not known.</param>
/// <param name="Length">In any unit that all share.</param>
/// <param name="IsLast">To be begun once the table's other pieces are done.</param>
/// <param name="RunAsync">Does it.</param>
internal sealed record BuildPiece(string? Table, double Length, bool IsLast, Func<CancellationToken, Task> RunAsync);

/// <summary>Has pieces done side by side, the longest first: a long one that begins last would keep one processor busy and the others waiting.</summary>
internal sealed class BuildQueue
{
    private readonly PriorityQueue<BuildPiece, double> _ready = new();
    private readonly Dictionary<string, int> _left = new(StringComparer.Ordinal);
    private readonly ILookup<string, BuildPiece> _last;

    public BuildQueue(IReadOnlyCollection<BuildPiece> pieces)
    {
        foreach (var table in pieces.Where(piece => !piece.IsLast).Select(piece => piece.Table).OfType<string>())
        {
            _left[table] = _left.GetValueOrDefault(table) + 1;
        }

        var waiting = pieces.Where(piece => piece is { IsLast: true, Table: { } table } && _left.ContainsKey(table)).ToHashSet();
        _last = waiting.ToLookup(piece => piece.Table!, StringComparer.Ordinal);
        foreach (var piece in pieces.Where(piece => !waiting.Contains(piece)))
        {
            Add(piece);
        }
    }

    /// <summary>The first failure ends the others, and is thrown once they have ended.</summary>
    public async Task RunAsync(int jobs, CancellationToken cancellationToken)
    {
        using var together = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var running = new Dictionary<Task, BuildPiece>();
        try
        {
            while (_ready.Count + running.Count > 0)
            {
                if (running.Count < jobs && _ready.TryDequeue(out var next, out _))
                {
                    // All that end at once are one and the same task otherwise.
                    running.Add(Task.Run(() => next.RunAsync(together.Token), CancellationToken.None), next);
                    continue;
                }

                var ended = await Task.WhenAny(running.Keys);
                running.Remove(ended, out var piece);
                await ended;
                Note(piece!);
            }
        }
        finally
        {
            await together.CancelAsync();
            await Task.WhenAll(running.Keys).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private void Note(BuildPiece done)
    {
        if (done is { IsLast: false, Table: { } table } && --_left[table] == 0)
        {
            foreach (var last in _last[table])
            {
                Add(last);
            }
        }
    }

    private void Add(BuildPiece piece) => _ready.Enqueue(piece, -piece.Length);
}
