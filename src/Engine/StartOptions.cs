using System.Text.Json.Serialization;

namespace HerokuMigrator;

/// <summary>
/// How a start goes about its work. What is given is kept in the state of the migration: a later start without it goes on with it, one with it replaces it.
/// </summary>
public sealed record StartOptions
{
    private const int MostJobs = 128;
    private const double LeastRate = 0.1;
    private const double MostRate = 100_000;
    private const double MostHours = 8760;

    /// <summary>Streams of the copy side by side; null: what was given before; 0: by the copy itself, from processors and connections.</summary>
    public int? Jobs { get; init; }

    /// <summary>Indexes and constraints that are built side by side; null and 0 as for <see cref="Jobs"/>.</summary>
    public int? IndexJobs { get; init; }

    /// <summary>What the copy may move in all, in MB (1,000,000 bytes) a second; null: what was given before; 0: as fast as it goes.</summary>
    public double? MaxRateMBps { get; init; }

    /// <summary>What to do about tables without a usable key; null: what was given before, or else to copy them. The plan rests on it, so it cannot be changed later.</summary>
    [JsonConverter(typeof(JsonStringEnumConverter<KeylessTable>))]
    public KeylessTable? KeylessTable { get; init; }

    /// <summary>Compare each table in the background while the migration replicates, again after so many hours; null: what was given before; 0: not at all.</summary>
    public double? CompareEveryHours { get; init; }

    /// <summary>Return once the worker has taken over, and do not wait for replication. Not kept.</summary>
    [JsonIgnore]
    public bool NoWait { get; init; }

    /// <summary>Bring what was made on the source since the plan to the target, as far as that is safe, while the migration replicates. Not kept.</summary>
    [JsonIgnore]
    public bool CarryOver { get; init; }

    /// <summary>How large a chunk is, so that a spec need not fill gigabytes; null: as the planner has it. Not kept.</summary>
    [JsonIgnore]
    internal long? ChunkBytes { get; init; }

    /// <summary>Throws where a value is out of its range.</summary>
    public void Validate()
    {
        RefuseOutside(nameof(Jobs), Jobs, MostJobs);
        RefuseOutside(nameof(IndexJobs), IndexJobs, MostJobs);
        if (CompareEveryHours is { } hours && hours is not (>= 0 and <= MostHours))
        {
            throw FaceErrors.StartOptionInvalid(nameof(CompareEveryHours), hours, $"from 0 to {MostHours}, in hours; 0 for not at all");
        }

        if (MaxRateMBps is { } rate && rate is not (0 or (>= LeastRate and <= MostRate)))
        {
            throw FaceErrors.StartOptionInvalid(nameof(MaxRateMBps), rate, $"from {LeastRate} to {MostRate}, in MB a second, or 0 for no limit");
        }
    }

    internal KeylessTable Keyless => KeylessTable ?? HerokuMigrator.KeylessTable.Copy;

    /// <summary>These, and where they say nothing, what was given before.</summary>
    internal StartOptions Over(StartOptions before) => this with
    {
        Jobs = Jobs ?? before.Jobs,
        IndexJobs = IndexJobs ?? before.IndexJobs,
        MaxRateMBps = MaxRateMBps ?? before.MaxRateMBps,
        KeylessTable = KeylessTable ?? before.KeylessTable,
        CompareEveryHours = CompareEveryHours ?? before.CompareEveryHours,
    };

    private static void RefuseOutside(string option, int? value, int most)
    {
        if (value is { } number && (number < 0 || number > most))
        {
            throw FaceErrors.StartOptionInvalid(option, number, $"from 1 to {most}, or 0 to leave it to the program");
        }
    }
}
