namespace HerokuMigrator;

/// <summary>How long one step will take, and what that is reckoned from.</summary>
public sealed record EstimatedTime
{
    public required double Seconds { get; init; }

    /// <summary>The figures that it rests on, in a sentence.</summary>
    public required string Basis { get; init; }

    public override string ToString() => Basis.Length == 0 ? DurationText.Of(Seconds) : $"{DurationText.Of(Seconds)}: {Basis}";
}

/// <summary>How long a migration of this source to this target will take.</summary>
public sealed record MigrationEstimate
{
    /// <summary>The initial copy of all rows.</summary>
    public required EstimatedTime Copy { get; init; }

    /// <summary>Keys, indexes and foreign keys on the target.</summary>
    public required EstimatedTime Index { get; init; }

    /// <summary>How long the switch will hold back writes.</summary>
    public required EstimatedTime WritePause { get; init; }

    public override string ToString() =>
        $"copy {DurationText.Of(Copy.Seconds)}, indexes {DurationText.Of(Index.Seconds)}, write pause {DurationText.Of(WritePause.Seconds)}";
}
