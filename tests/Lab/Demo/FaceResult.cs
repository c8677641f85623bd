using System.Text.Json;

namespace HerokuMigrator.Lab;

/// <summary>What one call of a face printed, as far as the demo looks at it; names as in the contracts, whatever their case.</summary>
internal sealed record FaceResult
{
    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web);

    public string? Phase { get; init; }

    public bool? IsReady { get; init; }

    public string? Verdict { get; init; }

    public IReadOnlyList<JsonElement> Checks { get; init; } = [];

    public MigrationTimes? Estimate { get; init; }

    public bool? ReadyToSwitch { get; init; }

    public int? Tables { get; init; }

    public long? RowsCopied { get; init; }

    public long? Backlog { get; init; }

    public double? LagSeconds { get; init; }

    public double? WritePauseMs { get; init; }

    public int? TablesFenced { get; init; }

    public int? SequencesSet { get; init; }

    public int? LockAttempts { get; init; }

    public double? SentinelMs { get; init; }

    public double? FailedAttemptsMs { get; init; }

    public DateTimeOffset? SafeAt { get; init; }

    public IReadOnlyList<SwitchStep> Steps { get; init; } = [];

    public static FaceResult Parse(string json)
    {
        try
        {
            return JsonSerializer.Deserialize<FaceResult>(json, Format) ?? throw new DemoException("The face printed 'null'.");
        }
        catch (JsonException exception)
        {
            throw new DemoException($"The face printed no JSON document of the kind expected ({exception.Message}): {Shorten(json)}", exception);
        }
    }

    private static string Shorten(string text) => text.Length <= 2000 ? text : text[..2000] + "...";
}

/// <summary>An estimate as the face printed it.</summary>
internal sealed record MigrationTimes(MigrationTime Copy, MigrationTime Index, MigrationTime WritePause);

internal sealed record MigrationTime(double Seconds, string Basis);
