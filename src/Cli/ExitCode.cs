namespace HerokuMigrator.Cli;

/// <summary>What the program tells the script that called it.</summary>
internal static class ExitCode
{
    public const int Done = 0;
    public const int Failed = 1;
    public const int Usage = 2;

    /// <summary>A safety check refused before anything was changed.</summary>
    public const int Refused = 3;

    public static int Of(MigrationException exception) => exception.IsRefusal ? Refused : Failed;
}
