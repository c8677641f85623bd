namespace HerokuMigrator;

/// <summary>The outcome of one readiness check, from harmless to fatal; <see cref="Skipped"/> says why in its finding.</summary>
public enum CheckStatus
{
    Pass,
    Note,
    Skipped,
    Warning,
    Blocked,
}

/// <summary>One thing that was looked at before a migration.</summary>
public sealed record ReadinessCheck
{
    /// <summary>Stable, PascalCase, for instance <c>TablesWithoutKey</c>.</summary>
    public required string Id { get; init; }

    /// <summary>Connection, Permissions, Schema, Data, Size, Load, Target or Host.</summary>
    public required string Group { get; init; }

    public required string Title { get; init; }

    public required CheckStatus Status { get; init; }

    /// <summary>What was found, in a sentence.</summary>
    public required string Finding { get; init; }

    /// <summary>The objects it is about, schema-qualified and quoted as SQL wants it.</summary>
    public IReadOnlyList<string> Objects { get; init; } = [];

    /// <summary>Why it matters; empty where the check passed.</summary>
    public string Reason { get; init; } = "";

    /// <summary>SQL or a command that mends it; empty where nothing need be done.</summary>
    public string Remedy { get; init; } = "";

    /// <summary>How long it took, in milliseconds; what it waited for others included, as checks run side by side.</summary>
    public double DurationMs { get; init; }

    /// <summary>Where the check is described, below the module's folder or the project's.</summary>
    public string Link => "docs/checks.md#" + Id.ToLowerInvariant();

    public override string ToString() => $"{Status} {Id}: {Finding}";
}

/// <summary>All that was found, and whether a migration may start.</summary>
public sealed record ReadinessReport
{
    public required string Name { get; init; }

    public required DatabaseAddress Source { get; init; }

    public required DatabaseAddress Target { get; init; }

    public required DateTimeOffset CheckedAt { get; init; }

    public required IReadOnlyList<ReadinessCheck> Checks { get; init; }

    /// <summary>Ids of the checks that were not run as the caller left them out: the verdict knows nothing of them.</summary>
    public IReadOnlyList<string> LeftOut { get; init; } = [];

    /// <summary>How long the steps will take; null where it could not be told, or only some checks were asked for.</summary>
    public MigrationEstimate? Estimate { get; init; }

    /// <summary>What an operator must gather before a move; null where it could not be read, or only some checks were asked for.</summary>
    public ReadinessInventory? Inventory { get; init; }

    /// <summary>The worst status of all checks.</summary>
    public CheckStatus Verdict => Checks.Count == 0 ? CheckStatus.Blocked : Checks.Max(check => check.Status);

    /// <summary>True where nothing blocks a start.</summary>
    public bool IsReady => Verdict != CheckStatus.Blocked;

    public override string ToString() => $"{Name}: {(IsReady ? "ready" : "blocked")}, {Counts()}";

    /// <summary>"1 blocked, 2 warnings, 30 passed", the worst first.</summary>
    public string Counts() => Checks.Count == 0 ? "no check was run" : string.Join(
        ", ", Checks.GroupBy(check => check.Status).OrderByDescending(group => group.Key).Select(group => Count(group.Key, group.Count())));

    private static string Count(CheckStatus status, int number) => status switch
    {
        CheckStatus.Pass => $"{number} passed",
        CheckStatus.Warning => number == 1 ? "1 warning" : $"{number} warnings",
        CheckStatus.Note => number == 1 ? "1 note" : $"{number} notes",
        CheckStatus.Skipped => $"{number} skipped",
        _ => $"{number} blocked",
    };
}
