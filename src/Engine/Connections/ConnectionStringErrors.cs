namespace HerokuMigrator.Connections;

/// <summary>What can be wrong with a connection string. No message repeats any part of it: any part may be a secret.</summary>
internal static class ConnectionStringErrors
{
    private const string Form =
        "Give it as postgres://user:password@host:5432/database?sslmode=require, with characters such as @ : / ? # % in user, password and database percent-encoded (@ is %40), "
        + "or as host=... port=5432 dbname=... user=... password='...' sslmode=require.";

    public static MigrationException Invalid(string cause, Exception? inner = null) =>
        new("ConnectionStringInvalid", ErrorKind.InvalidArgument, $"The connection string is not valid: {cause}.", Form, inner);

    public static MigrationException UnknownKeyword(string keyword) =>
        Invalid(LibpqKeywords.Nearest(keyword) is { } near
            ? $"it has a keyword that libpq does not know; perhaps {near} was meant"
            : "it has a keyword that libpq does not know; a value with blanks must be quoted, or percent-encoded in a URL");

    public static MigrationException BadValue(string keyword, string allowed) => Invalid($"{keyword} must be {allowed}");

    public static MigrationException Unsupported(string keyword, string cause) =>
        new(
            "ConnectionSettingUnsupported",
            ErrorKind.InvalidArgument,
            $"The connection setting {keyword} cannot be honoured: {cause}.",
            $"Leave {keyword} out of the connection string, the service file and the environment, or reach the database in another way.")
        {
            Subject = keyword,
        };
}
