namespace HerokuMigrator;

/// <summary>The command line of the worker that watches over replication once the face has ended: file and arguments; the verb is known to the face.</summary>
public sealed record WorkerCommand(string FileName, IReadOnlyList<string> Arguments);

/// <summary>What every operation needs to know. Connection strings are null where the migration's home or the environment shall tell them.</summary>
public sealed record MigratorOptions
{
    public string Name { get; init; } = "default";

    /// <summary>Anything that libpq accepts; null: the home's, or HEROKU_URL.</summary>
    public string? SourceUrl { get; init; }

    /// <summary>Anything that libpq accepts; null: the home's, or PLANETSCALE_URL.</summary>
    public string? TargetUrl { get; init; }

    /// <summary>Where changes of phase are posted, http or https; null: what the migration's home holds; empty: nowhere. A start keeps it in the home.</summary>
    public string? NotificationUri { get; init; }

    /// <summary>The folder above the homes of all migrations; null: $XDG_STATE_HOME/heroku-migrator.</summary>
    public string? StateRoot { get; init; }

    /// <summary>Null: no worker is started.</summary>
    public WorkerCommand? Worker { get; init; }

    /// <summary>Throws where the notification URI is none. Connections are read where they are used.</summary>
    public void Validate()
    {
        if (NotificationUri is { Length: > 0 } uri)
        {
            Notifications.NotificationUri.Parse(uri);
        }
    }
}

public sealed record SwitchOptions
{
    /// <summary>How long a rehearsal may hold writes back, in seconds, where nothing else is said.</summary>
    public const int RehearsalSeconds = 10;

    /// <summary>
    /// How long one attempt waits for the locks of the fence, in milliseconds. Writers queue behind it for as long.
    /// Under the server's deadlock_timeout (1 s), so that where writers and the fence wait for each other it is the fence that gives way.
    /// </summary>
    public int LockTimeoutMs { get; init; } = 600;

    /// <summary>How long writes may be held back in all, in seconds; after that everything is put back.</summary>
    public int TimeoutSeconds { get; init; } = 120;

    /// <summary>Switch although rows differed when they were compared last.</summary>
    public bool AllowDifferences { get; init; }

    /// <summary>
    /// How long contents are compared under the fence, in milliseconds; what was begun is finished. What differs ends the switch. 0: not at all.
    /// </summary>
    public int CompareBudgetMs { get; init; } = 250;

    /// <summary>End the sessions of the source whose transactions keep the fence out, after its first attempt.</summary>
    public bool TerminateBlockers { get; init; }

    /// <summary>Do all of it but the handing over, and take the fence away again at once: to know what the switch would take.</summary>
    public bool Rehearse { get; init; }

    /// <summary>With <see cref="Rehearse"/>: only try for the locks, once, and tell who is in the way.</summary>
    public bool LockOnly { get; init; }
}

public sealed record StopOptions
{
    /// <summary>Clean the source although the target cannot be asked, or has lost the state. The fence's record on this machine serves then.</summary>
    public bool AbandonTarget { get; init; }
}
