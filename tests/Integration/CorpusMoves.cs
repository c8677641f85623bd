using System.Diagnostics;
using HerokuMigrator.Lab;

namespace HerokuMigrator.Integration;

/// <summary>
/// The moves that <see cref="CorpusSpecs"/> asks about. They run several at a time from the first question on, so that the specs, which come one after the other, mostly find them done.
/// </summary>
public sealed class CorpusMoves : IAsyncDisposable
{
    /// <summary>Names the file that the table of all schemas is written to; where it is set, all of them move.</summary>
    private const string ReportVariable = "HEROKU_MIGRATOR_CORPUS_REPORT";

    // Small, and each awkward in its own way.
    private static readonly string[] Few =
    [
        "OpenEpicData__GamerClubAPI",           // tables without a key
        "roschaefer__rundfunk-mitbestimmen",    // inheritance, materialized views on each other, exclusion constraints
        "Alexey-Lukin__silken_net",             // partitions; an extension with tables of its own that the target's role may not make
    ];

    private static readonly string? ReportFile = Environment.GetEnvironmentVariable(ReportVariable);

    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly Stopwatch _watch = new();
    private CorpusRun? _run;

    public static bool IsWhole => !string.IsNullOrEmpty(ReportFile);

    /// <summary>Null, with the reason, where there is no corpus.</summary>
    public static CorpusFolder? Corpus { get; } = CorpusFolder.Find(out Missing);

    public static readonly string Missing;

    public static IReadOnlyList<string> Names => IsWhole && Corpus is not null ? [.. Corpus.Schemas.Select(schema => schema.Name)] : Few;

    private static IReadOnlyList<CorpusSchema> Schemas => [.. Corpus!.Schemas.Where(schema => Names.Contains(schema.Name))];

    private static CorpusRunOptions Options => IsWhole ? new CorpusRunOptions(Rows: 200, Statements: 600, AtATime: Environment.ProcessorCount + 1) : new CorpusRunOptions(60, 150, Few.Length);

    /// <summary>Why this schema cannot be moved on this machine; null where it can.</summary>
    public static string? Obstacle(string name) =>
        Corpus is null ? Missing
        : CorpusFolder.Lacking(Corpus.Get(name)) is { Count: > 0 } extensions ? $"this machine's PostgreSQL lacks {string.Join(", ", extensions)}"
        : null;

    public async Task<CorpusResult> ResultOfAsync(string name, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (_run is null)
            {
                _watch.Start();
                // Not the token of the spec that happens to ask first.
                _run = await CorpusRun.StartAsync(Corpus!, [.. Schemas.Where(schema => Obstacle(schema.Name) is null)], Options, CancellationToken.None);
            }
        }
        finally
        {
            _gate.Release();
        }

        return await _run.ResultOfAsync(name, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (_run is not null)
        {
            if (IsWhole)
            {
                // What went wrong stands in it too.
                await File.WriteAllTextAsync(ReportFile!, CorpusTable.Write(Schemas, _run.Results, _watch.Elapsed, Options.AtATime));
            }

            await _run.DisposeAsync();
        }

        _gate.Dispose();
    }
}
