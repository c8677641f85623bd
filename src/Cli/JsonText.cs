using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace HerokuMigrator.Cli;

/// <summary>The one document that --json prints.</summary>
internal static class JsonText
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter() },
    };

    public static string Of<T>(T result) => JsonSerializer.Serialize(result, Options);

    public static string Of(MigrationException exception) => Of(new
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
