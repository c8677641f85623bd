namespace HerokuMigrator;

/// <summary>Errors that a face raises before it calls the engine.</summary>
public static class FaceErrors
{
    /// <summary>A report that blocks was handed to the start.</summary>
    public static MigrationException NotReady(ReadinessReport report) => Errors.NotReady(report);

    /// <summary>Nobody is there to answer the question that the command would ask.</summary>
    public static MigrationException ConfirmationRequired(string command, string force) =>
        new("ConfirmationRequired", ErrorKind.InvalidOperation,
            $"{command} asks for confirmation, and nobody can answer here: this session is not interactive.",
            $"Run it again with {force}, once {(force.StartsWith("--", StringComparison.Ordinal) ? "--what-if" : "-WhatIf")} shows what you want; safety checks still apply.")
        {
            IsRefusal = true,
            Subject = command,
        };

    public static MigrationException InvalidName(string name) =>
        new("InvalidName", ErrorKind.InvalidArgument,
            $"'{name}' is no name for a migration.",
            "Use letters, digits, '-', '_' and '.', 40 at the most, beginning with a letter or a digit.")
        {
            Subject = name,
        };

    public static MigrationException UnknownCheck(string pattern, IReadOnlyList<string> ids) =>
        new("UnknownCheck", ErrorKind.InvalidArgument,
            $"No readiness check has the id '{pattern}', or one that this pattern fits.",
            $"Use one of these, or a pattern with * and ?: {string.Join(", ", ids)}.")
        {
            Subject = pattern,
        };

    public static MigrationException NoCheckLeft() =>
        new("NoCheckLeft", ErrorKind.InvalidArgument,
            "The ids to include and to exclude leave no readiness check to run.",
            "Exclude less, or include more.");
}
