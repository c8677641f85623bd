namespace HerokuMigrator.Lab;

/// <summary>A time in which no writer could write, as the writers saw it.</summary>
/// <param name="LastCommittedAt">The last commit before it.</param>
/// <param name="RefusedAt">When a writer was first told that it may not write.</param>
/// <param name="ResumedAt">The first commit after it; null while it lasts.</param>
public sealed record WritePause(DateTimeOffset? LastCommittedAt, DateTimeOffset RefusedAt, DateTimeOffset? ResumedAt);

/// <summary>An error that no writer should have met.</summary>
public sealed record WorkloadError(string Kind, string SqlState, string Message, DateTimeOffset At)
{
    public override string ToString() => $"{At:HH:mm:ss.fff} {Kind}: {SqlState} {Message}";
}

/// <summary>Counts what happens to the writers; all members may be called from any thread.</summary>
internal sealed class WorkloadStatistics
{
    private readonly Lock _lock = new();
    private readonly List<WorkloadError> _errors = [];
    private readonly List<WritePause> _pauses = [];
    private readonly Dictionary<string, long> _kinds = new(StringComparer.Ordinal);

    public long Committed { get; private set; }

    public long RolledBack { get; private set; }

    public long Refused { get; private set; }

    public long Retried { get; private set; }

    public long Disconnected { get; private set; }

    public long Read { get; private set; }

    public DateTimeOffset? LastCommittedAt { get; private set; }

    public TimeSpan LongestTransaction { get; private set; }

    public TimeSpan LongestRead { get; private set; }

    public IReadOnlyList<WorkloadError> Errors => Locked(() => _errors.ToArray());

    public IReadOnlyList<WritePause> Pauses => Locked(() => _pauses.ToArray());

    public IReadOnlyDictionary<string, long> Kinds => Locked(() => new Dictionary<string, long>(_kinds, StringComparer.Ordinal));

    public void CountCommit(string kind, DateTimeOffset begunAt, DateTimeOffset at)
    {
        lock (_lock)
        {
            Committed++;
            _kinds[kind] = _kinds.GetValueOrDefault(kind) + 1;
            LastCommittedAt = at;
            LongestTransaction = Longer(LongestTransaction, at - begunAt);
            // A commit that was under way when another writer was refused tells nothing about the end of the pause.
            if (_pauses.Count > 0 && _pauses[^1] is { ResumedAt: null } pause && begunAt > pause.RefusedAt)
            {
                _pauses[^1] = pause with { ResumedAt = at };
            }
        }
    }

    public void CountRefusal(DateTimeOffset at)
    {
        lock (_lock)
        {
            Refused++;
            if (_pauses.Count == 0 || _pauses[^1].ResumedAt is not null)
            {
                _pauses.Add(new WritePause(LastCommittedAt, at, ResumedAt: null));
            }
        }
    }

    public void CountRollback() => Locked(() => RolledBack++);

    public void CountRetry() => Locked(() => Retried++);

    public void CountDisconnect() => Locked(() => Disconnected++);

    public void CountRead(TimeSpan duration) => Locked(() =>
    {
        LongestRead = Longer(LongestRead, duration);
        return Read++;
    });

    public void AddError(WorkloadError error) => Locked(() =>
    {
        // The first ones tell the cause.
        if (_errors.Count < 200)
        {
            _errors.Add(error);
        }

        return _errors.Count;
    });

    private static TimeSpan Longer(TimeSpan a, TimeSpan b) => a > b ? a : b;

    private T Locked<T>(Func<T> action)
    {
        lock (_lock)
        {
            return action();
        }
    }
}
