using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace HerokuMigrator.Notifications;

/// <summary>What is posted of a change of phase. Slack and what is compatible with it show the text, and leave the rest alone.</summary>
internal sealed record PhaseNotice(
    string Name, MigrationPhase Phase, MigrationPhase PreviousPhase, DateTimeOffset At, DatabaseAddress Source, DatabaseAddress Target, string? Problem)
{
    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web)
    {
        Converters = { new JsonStringEnumConverter() },
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    [JsonPropertyOrder(-1)]
    public string Text => Escape($"Migration {Name}: {PreviousPhase} → {Phase} ({Source} → {Target}){(Problem is null ? "" : $": {Problem}")}");

    public string ToJson() => JsonSerializer.Serialize(this, Format);

    /// <summary>The three signs that Slack takes for its own.</summary>
    private static string Escape(string text) =>
        text.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal).Replace(">", "&gt;", StringComparison.Ordinal);
}
