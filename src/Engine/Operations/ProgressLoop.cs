using System.Globalization;
using HerokuMigrator.Copy;
using HerokuMigrator.State;
using Npgsql;

namespace HerokuMigrator.Operations;

/// <summary>
/// Beside a start: tells the state once a second how far it is, the face likewise, leaves a sample every ten seconds (at the beginning each second), and says what a copy that stands still waits for.
/// What cannot be told stops nothing.
/// </summary>
internal sealed class ProgressLoop : IAsyncDisposable
{
    public const double StallSeconds = 60;

    private static readonly TimeSpan Beat = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan BetweenSamples = TimeSpan.FromSeconds(10);

    /// <summary>Most copies are over by then; those get a history too.</summary>
    private static readonly TimeSpan Beginning = TimeSpan.FromMinutes(2);

    private readonly MigrationSession _session;
    private readonly string? _handOverId;
    private readonly CancellationTokenSource _end = new();
    private readonly CancellationTokenSource _replaced = new();
    private readonly Task _work;
    private readonly DateTimeOffset _begunAt = DateTimeOffset.UtcNow;
    private NpgsqlConnection? _target;
    private DateTimeOffset _sampledAt;
    private bool _stallTold;

    private ProgressLoop(MigrationSession session, string? handOverId)
    {
        _session = session;
        _handOverId = handOverId;
        _work = Task.Run(RunAsync);
    }

    /// <summary>Comes where the state says that another worker has the start.</summary>
    public CancellationToken Replaced => _replaced.Token;

    /// <param name="session">What works.</param>
    /// <param name="handOverId">Null where no worker does.</param>
    public static ProgressLoop Start(MigrationSession session, string? handOverId) => new(session, handOverId);

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _work;
        await TryTellAsync(CancellationToken.None);
        if (_target is not null)
        {
            await _target.DisposeAsync();
        }

        _end.Dispose();
        _replaced.Dispose();
    }

    private async Task RunAsync()
    {
        while (!_end.IsCancellationRequested)
        {
            await TryTellAsync(_end.Token);
            await Task.Delay(Beat, _end.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task TryTellAsync(CancellationToken cancellationToken)
    {
        try
        {
            await TellAsync(cancellationToken);
        }
        catch (Exception exception) when (exception is NpgsqlException or MigrationException or OperationCanceledException or IOException)
        {
            if (_target is not null)
            {
                await _target.DisposeAsync();
                _target = null;
            }
        }
    }

    private async Task TellAsync(CancellationToken cancellationToken)
    {
        var copy = _session.Meter.Snapshot();
        var now = Describe(copy);
        if (now is not null)
        {
            _session.Face.Progress(now);
        }

        _target ??= await _session.OpenTargetAsync(cancellationToken);
        if (await HandOverStore.TellAsync(_target, _handOverId, new SavedProgress(now ?? _session.LatestProgress, copy, Environment.ProcessId), cancellationToken) is { } options)
        {
            _session.StartOptions = options;
        }
        else if (_handOverId is not null && !_end.IsCancellationRequested)
        {
            await _replaced.CancelAsync();
        }

        await WatchForStallAsync(copy, cancellationToken);
        if ((DateTimeOffset.UtcNow - _begunAt < Beginning || DateTimeOffset.UtcNow - _sampledAt >= BetweenSamples) && copy.BytesTotal > 0)
        {
            _sampledAt = DateTimeOffset.UtcNow;
            await HandOverStore.SampleAsync(_target, copy.BytesDone, copy.RowsDone, null, null, copy.Throttle, cancellationToken);
        }
    }

    /// <summary>Null where neither tables are copied nor steps are made: what the step at hand told last holds then.</summary>
    private OperationProgress? Describe(CopyStatus copy)
    {
        if (copy.IsCopying)
        {
            _session.ForgetProgress();
            var items = string.Join(", ", copy.Running.Take(3));
            return new OperationProgress("Copying", $"{copy}{(items.Length == 0 ? "" : $"; {items}")}", (int)Math.Floor(copy.Percent));
        }

        if (copy.StepsDone < copy.StepsTotal)
        {
            _session.ForgetProgress();
            return new OperationProgress(
                "Building keys, indexes and constraints",
                string.Create(CultureInfo.InvariantCulture, $"{copy.StepsDone} of {copy.StepsTotal}; {string.Join(", ", copy.Running.Take(3))}").TrimEnd(';', ' '),
                100 * copy.StepsDone / copy.StepsTotal);
        }

        return null;
    }

    private async Task WatchForStallAsync(CopyStatus copy, CancellationToken cancellationToken)
    {
        if (!copy.IsCopying || copy.Running.Count == 0 || copy.Throttle is not null || copy.IdleSeconds < StallSeconds)
        {
            _stallTold = false;
            return;
        }

        if (!_stallTold)
        {
            _stallTold = true;
            var waits = await Status.Waits.ReadAsync(_session, cancellationToken);
            _session.Events.Warning($"The copy has moved no byte for {StallSeconds:0} s. {(waits.Count == 0 ? "No session of its waits for another one: it may be the network, or a disk." : string.Join(" ", waits))}");
        }
    }
}
