using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace HerokuMigrator.Reporting;

/// <summary>A result as a JSON document: camelCase, enumerations by their names.</summary>
public static class ResultJson
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter() },
    };

    private static readonly JsonSerializerOptions LineOptions = new(Options) { WriteIndented = false };

    public static string Of<T>(T result) => JsonSerializer.Serialize(result, Options);

    /// <summary>The same on one line, for one of many.</summary>
    public static string LineOf<T>(T result) => JsonSerializer.Serialize(result, LineOptions);
}
