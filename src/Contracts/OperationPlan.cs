namespace HerokuMigrator;

/// <summary>What an operation would do, with the real hosts, tables and roles; nothing was changed to find out.</summary>
public sealed record OperationPlan
{
    public required string Name { get; init; }

    /// <summary>The databases it would act on, for a prompt: <c>user@host:port/database</c>.</summary>
    public required string Subject { get; init; }

    /// <summary>In the order they would be done.</summary>
    public required IReadOnlyList<string> Steps { get; init; }

    public override string ToString() => string.Join("; ", Steps);
}
