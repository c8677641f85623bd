using System.Globalization;

namespace HerokuMigrator;

/// <summary>How much an entry of the log matters, from the least.</summary>
public enum MigrationLogLevel
{
    /// <summary>Commands and SQL, without secrets.</summary>
    Debug,

    /// <summary>Decisions that were made, and what Bucardo does.</summary>
    Verbose,

    /// <summary>What was changed where, and what went well.</summary>
    Information,

    /// <summary>Something to look at.</summary>
    Warning,

    /// <summary>What ended an operation, or a run of Bucardo.</summary>
    Error,
}

/// <summary>Who wrote an entry of the log.</summary>
public enum MigrationLogSource
{
    /// <summary>The worker, and the commands that were given, on this machine.</summary>
    Program,

    /// <summary>The state on the target, which every machine writes to.</summary>
    State,

    /// <summary>The migration's own Bucardo, on this machine.</summary>
    Bucardo,
}

/// <summary>One entry of a migration's log.</summary>
public sealed record MigrationLogEntry
{
    /// <summary>The clock is the target's for <see cref="MigrationLogSource.State"/>, and this machine's for the others.</summary>
    public required DateTimeOffset Time { get; init; }

    public required MigrationLogLevel Level { get; init; }

    public required MigrationLogSource Source { get; init; }

    /// <summary>Schema and table, quoted, where the message names exactly one; else null.</summary>
    public string? Table { get; init; }

    /// <summary>It holds no secret, and may have several lines.</summary>
    public required string Message { get; init; }

    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Time.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss.fff'Z'} {Level} {Source}: {Message}");
}
