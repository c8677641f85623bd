namespace HerokuMigrator;

/// <summary>What kind of trouble an error is. The names are those of PowerShell's ErrorCategory.</summary>
public enum ErrorKind
{
    InvalidArgument,
    InvalidOperation,
    InvalidData,
    ObjectNotFound,
    ResourceExists,
    ResourceBusy,
    ResourceUnavailable,
    ConnectionError,
    AuthenticationError,
    PermissionDenied,
    SecurityError,
    NotInstalled,
    NotSpecified,
    OperationTimeout,
    OperationStopped,
}

/// <summary>An error that a person can act on: a stable id, its kind, the cause, and the next thing to do.</summary>
public sealed class MigrationException : Exception
{
    public MigrationException()
        : this("Unexpected", ErrorKind.NotSpecified, "The migration failed.", "Read the log in the migration's home.")
    {
    }

    public MigrationException(string message)
        : this("Unexpected", ErrorKind.NotSpecified, message, "Read the log in the migration's home.")
    {
    }

    public MigrationException(string message, Exception innerException)
        : this("Unexpected", ErrorKind.NotSpecified, message, "Read the log in the migration's home.", innerException)
    {
    }

    public MigrationException(string errorId, ErrorKind kind, string message, string recommendedAction, Exception? innerException = null)
        : base(message, innerException)
    {
        ErrorId = errorId;
        Kind = kind;
        RecommendedAction = recommendedAction;
    }

    /// <summary>Stable, PascalCase; documented in docs/errors.md.</summary>
    public string ErrorId { get; }

    public ErrorKind Kind { get; }

    /// <summary>The next command to type, or what to change before it.</summary>
    public string RecommendedAction { get; }

    /// <summary>What the error is about, where one object can be named: a table, a role, a database. Never holds a secret.</summary>
    public string? Subject { get; init; }

    /// <summary>True where a safety check refused before anything was changed; the console face exits with 3 then.</summary>
    public bool IsRefusal { get; init; }

    /// <summary>The five characters of the server's SQLSTATE, where a server spoke; else null.</summary>
    public string? SqlState { get; init; }
}
