namespace HerokuMigrator;

/// <summary>Whether a switch may begin now.</summary>
public enum SwitchReadiness
{
    /// <summary>Nothing is known that would keep it, or make it long.</summary>
    Ready,

    /// <summary>It may begin; <see cref="SyncStatus.SwitchReasons"/> says what to look at before.</summary>
    Warning,

    /// <summary>It is not possible, or would be refused.</summary>
    Blocked,
}

/// <summary>Something that a switch depends on, and that is not as it should be, or is worth knowing.</summary>
public sealed record SwitchReason
{
    /// <summary>Stable, PascalCase, for instance <c>RowsDiffer</c>; all are listed in docs/how-it-works.md.</summary>
    public required string Id { get; init; }

    /// <summary>Blocked, Warning or Note.</summary>
    public required CheckStatus Status { get; init; }

    /// <summary>What was found, in a sentence.</summary>
    public required string Finding { get; init; }

    /// <summary>What it is about: relations schema-qualified and quoted, sessions as "pid 12"; not all where they are very many.</summary>
    public IReadOnlyList<string> Objects { get; init; } = [];

    /// <summary>SQL or a command that mends it; empty where nothing need be done.</summary>
    public string Remedy { get; init; } = "";

    public override string ToString() => $"{Status} {Id}: {Finding}";
}
