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
    /// <summary>The initial copy of all rows. The replay of what is written meanwhile comes after it, and is told in its basis.</summary>
    public required EstimatedTime Copy { get; init; }

    /// <summary>Keys, indexes, foreign keys and ANALYZE on the target, after the copy.</summary>
    public required EstimatedTime Index { get; init; }

    /// <summary>How long the switch will hold back writes: from the first lock of the attempt that gets all of them until the target is safe to write to.</summary>
    public required EstimatedTime WritePause { get; init; }

    public override string ToString() =>
        $"copy {DurationText.Of(Copy.Seconds)}, indexes {DurationText.Of(Index.Seconds)}, write pause {DurationText.Of(WritePause.Seconds)}";
}
