namespace HerokuMigrator.Cli;

/// <summary>The errors of the console face itself; docs/errors.md explains each.</summary>
internal static class CliErrors
{
    public static MigrationException Usage(string problems, string command) =>
        new("Usage", ErrorKind.InvalidArgument, problems, $"See {command} --help.");

    public static MigrationException Interrupted() =>
        new("Interrupted", ErrorKind.OperationStopped, "The command was interrupted.", "Run the same command again; it goes on from there.");

    public static MigrationException Declined(string command) =>
        new("Declined", ErrorKind.OperationStopped, "Nothing was done: the answer was no.", $"Run {command} again when it is time.");

    public static MigrationException Unexpected(Exception exception) =>
        new("Unexpected", ErrorKind.NotSpecified, $"{exception.GetType().Name}: {exception.Message}",
            "Run the same command again with --verbose, and report what it prints.", exception);

    public static MigrationException ConnectionUnreadable(string option, string cause, Exception? inner = null) =>
        new("ConnectionUnreadable", ErrorKind.InvalidArgument, $"{option} cannot be read: {cause.TrimEnd('.')}.",
            $"Give {option} as env:NAME, file:PATH, or the text itself.", inner)
        {
            Subject = option,
        };
}
