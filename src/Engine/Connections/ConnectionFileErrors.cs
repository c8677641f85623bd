namespace HerokuMigrator.Connections;

/// <summary>What can be wrong with a file that a connection string names.</summary>
internal static class ConnectionFileErrors
{
    public static MigrationException Invalid(string keyword, string file, string cause, Exception? inner = null) =>
        new(
            "ConnectionFileInvalid",
            ErrorKind.InvalidData,
            $"The file {file} ({keyword}) cannot be used: {cause}.",
            $"Name a usable file by {keyword}, or mend that one, then run the same command again.",
            inner)
        {
            Subject = file,
        };
}
