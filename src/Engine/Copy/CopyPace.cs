using System.Diagnostics;

namespace HerokuMigrator.Copy;

/// <summary>Holds all streams of a copy together to a rate: the one that was asked for, or the one that the source bears, whichever is less.</summary>
/// <param name="maxRateMBps">Asked each time, as a start may change it under way; null, or 0: no limit.</param>
internal sealed class CopyPace(Func<double?> maxRateMBps)
{
    private readonly Lock _lock = new();
    private double? _borne;
    private long _freeAt = Stopwatch.GetTimestamp();
    private long _passed;

    /// <summary>What the source bears, in bytes a second; null: as much as there is.</summary>
    public double? Borne
    {
        get
        {
            lock (_lock)
            {
                return _borne;
            }
        }

        set
        {
            lock (_lock)
            {
                _borne = value;
                // What was put off at the old rate is not waited for.
                _freeAt = Math.Min(_freeAt, Stopwatch.GetTimestamp());
            }
        }
    }

    /// <summary>Bytes passed so far.</summary>
    public long Passed => Interlocked.Read(ref _passed);

    /// <summary>To be called for each piece that was passed on; waits until the next may be.</summary>
    public async ValueTask WaitAsync(int bytes, CancellationToken cancellationToken)
    {
        Interlocked.Add(ref _passed, bytes);
        if (Reserve(bytes) is { } pause && pause > TimeSpan.Zero)
        {
            await Task.Delay(pause, cancellationToken);
        }
    }

    private TimeSpan? Reserve(int bytes)
    {
        lock (_lock)
        {
            var wanted = maxRateMBps() is > 0 and var given ? given * 1_000_000 : double.PositiveInfinity;
            var rate = Math.Min(wanted, _borne ?? double.PositiveInfinity);
            if (double.IsPositiveInfinity(rate))
            {
                return null;
            }

            var now = Stopwatch.GetTimestamp();
            _freeAt = Math.Max(_freeAt, now) + (long)(bytes / rate * Stopwatch.Frequency);
            return Stopwatch.GetElapsedTime(now, _freeAt);
        }
    }
}
