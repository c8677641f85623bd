namespace HerokuMigrator.Readiness;

/// <summary>One thing to look at before a migration. A class that implements this is a check by being there; it only reads.</summary>
internal interface IReadinessCheck
{
    /// <summary>Stable, PascalCase.</summary>
    string Id { get; }

    /// <summary>Connection, Permissions, Schema, Data, Size, Load, Target or Host.</summary>
    string Group { get; }

    string Title { get; }

    Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken);
}

/// <summary>What a check found; see <see cref="ReadinessCheck"/> for the meaning of each part.</summary>
internal sealed record Finding(CheckStatus Status, string Text)
{
    public IReadOnlyList<string> Objects { get; init; } = [];

    public string Reason { get; init; } = "";

    public string Remedy { get; init; } = "";

    public static Finding Pass(string text) => new(CheckStatus.Pass, text);

    public static Finding Note(string text) => new(CheckStatus.Note, text);

    public static Finding Skipped(string why) => new(CheckStatus.Skipped, why);

    public static Finding Warning(string text, string reason, string remedy, IReadOnlyList<string>? objects = null) =>
        new(CheckStatus.Warning, text) { Reason = reason, Remedy = remedy, Objects = objects ?? [] };

    public static Finding Blocked(string text, string reason, string remedy, IReadOnlyList<string>? objects = null) =>
        new(CheckStatus.Blocked, text) { Reason = reason, Remedy = remedy, Objects = objects ?? [] };
}
