namespace HerokuMigrator.Readiness;

/// <summary>The groups that a report is read by.</summary>
internal static class CheckGroup
{
    public const string Connection = "Connection";
    public const string Permissions = "Permissions";
    public const string Schema = "Schema";
    public const string Data = "Data";
    public const string Size = "Size";
    public const string Load = "Load";
    public const string Target = "Target";
    public const string Host = "Host";
}
