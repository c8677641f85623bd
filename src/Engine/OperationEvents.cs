namespace HerokuMigrator;

/// <summary>How far an operation is. Percent is null where the end is not known.</summary>
public sealed record OperationProgress(string Activity, string Status, int? Percent = null, bool Completed = false);

/// <summary>
/// What the engine tells a face while it works. Calls come from any thread, one at a time is not promised;
/// no text holds a secret.
/// </summary>
public interface IOperationEvents
{
    void Progress(OperationProgress progress);

    /// <summary>A decision that was made.</summary>
    void Verbose(string message);

    /// <summary>SQL and commands, redacted.</summary>
    void Debug(string message);

    /// <summary>The audit trail: what was changed where.</summary>
    void Information(string message);

    /// <summary>Something that a person should act on.</summary>
    void Warning(string message);

    /// <summary>Told by operations that watch: the phase that they find first, and each change of it. A phase that lasts less than a look (0.5 to 1 s) may go unseen.</summary>
    void PhaseChanged(SyncStatus status)
    {
    }
}

public sealed class NoEvents : IOperationEvents
{
    public static readonly NoEvents Instance = new();

    public void Progress(OperationProgress progress)
    {
    }

    public void Verbose(string message)
    {
    }

    public void Debug(string message)
    {
    }

    public void Information(string message)
    {
    }

    public void Warning(string message)
    {
    }
}
