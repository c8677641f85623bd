using HerokuMigrator.Reporting;

namespace HerokuMigrator.Cli;

/// <summary>A failure as the one document that --json prints.</summary>
internal static class JsonText
{
    public static string Of(MigrationException exception) => ResultJson.Of(new
    {
        Error = new
        {
            Id = exception.ErrorId,
            exception.Kind,
            exception.Message,
            exception.RecommendedAction,
            exception.Subject,
            exception.SqlState,
        },
    });
}
