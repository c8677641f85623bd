using System.Diagnostics;

namespace HerokuMigrator.Operations;

/// <summary>What each part of a switch took; parts may run beside each other.</summary>
internal sealed class StepClock
{
    private readonly List<(string Name, long Start, long End)> _steps = [];
    private readonly Lock _lock = new();
    private long _zero = Stopwatch.GetTimestamp();

    /// <summary>The moment that the others are counted from.</summary>
    public void SetZero() => _zero = Stopwatch.GetTimestamp();

    public TimeSpan SinceZero => Stopwatch.GetElapsedTime(_zero);

    /// <summary>In the order of their beginnings.</summary>
    public IReadOnlyList<SwitchStep> Steps
    {
        get
        {
            lock (_lock)
            {
                return
                [
                    .. _steps.OrderBy(step => step.Start)
                        .Select(step => new SwitchStep(step.Name, Math.Round((step.Start - _zero) * 1000.0 / Stopwatch.Frequency, 1), Math.Round(Stopwatch.GetElapsedTime(step.Start, step.End).TotalMilliseconds, 1))),
                ];
            }
        }
    }

    public async Task<T> MeasureAsync<T>(string name, Func<Task<T>> work)
    {
        var start = Stopwatch.GetTimestamp();
        var result = await work();
        lock (_lock)
        {
            _steps.Add((name, start, Stopwatch.GetTimestamp()));
        }

        return result;
    }

    public Task MeasureAsync(string name, Func<Task> work) => MeasureAsync(name, async () =>
    {
        await work();
        return true;
    });
}
