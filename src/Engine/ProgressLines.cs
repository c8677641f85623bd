using System.Diagnostics;

namespace HerokuMigrator;

/// <summary>Progress for where nobody sees a line rewrite itself, such as a runbook's log: one line for each new activity, and one a minute.</summary>
public sealed class ProgressLines
{
    private static readonly TimeSpan Between = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private string? _activity;
    private long _last;

    /// <summary>Null where it is not time for one.</summary>
    public string? Next(OperationProgress progress)
    {
        lock (_gate)
        {
            if (progress.Completed || (progress.Activity == _activity && Stopwatch.GetElapsedTime(_last) < Between))
            {
                return null;
            }

            (_activity, _last) = (progress.Activity, Stopwatch.GetTimestamp());
            return Describe(progress);
        }
    }

    public static string Describe(OperationProgress progress) =>
        progress.Percent is { } percent && !progress.Status.StartsWith($"{percent} %", StringComparison.Ordinal)
            ? $"{progress.Activity}: {percent} %, {progress.Status}"
            : $"{progress.Activity}: {progress.Status}";
}
