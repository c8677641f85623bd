namespace HerokuMigrator;

/// <summary>An extension of the source, and the version that the target has or would get; null where it has none.</summary>
public sealed record InventoryExtension(string Name, string Version, string Schema, string? TargetVersion)
{
    public override string ToString() => $"{Name} {Version} -> {TargetVersion ?? "none"}";
}

/// <summary>A server setting whose values differ; null where a side does not know it. Values are as SHOW prints them.</summary>
public sealed record InventorySetting(string Name, string? Source, string? Target)
{
    public override string ToString() => $"{Name}: {Source ?? "unknown"} -> {Target ?? "unknown"}";
}

/// <summary>Who is connected to the source now.</summary>
/// <param name="Role">The role's name; "?" where it cannot be seen.</param>
/// <param name="Application">What the client calls itself; empty where it says nothing.</param>
/// <param name="Connections">Number of sessions.</param>
public sealed record InventoryClient(string Role, string Application, int Connections)
{
    public override string ToString() => $"{Role}{(Application.Length == 0 ? "" : $" ({Application})")}: {Connections}";
}

/// <summary>What an operator must gather before a move.</summary>
public sealed record ReadinessInventory
{
    /// <summary>As version() tells it.</summary>
    public required string SourceVersion { get; init; }

    /// <summary>As version() tells it.</summary>
    public required string TargetVersion { get; init; }

    public required IReadOnlyList<InventoryExtension> Extensions { get; init; }

    public required IReadOnlyList<InventorySetting> Settings { get; init; }

    public required IReadOnlyList<InventoryClient> Clients { get; init; }

    public override string ToString() =>
        $"{Product(SourceVersion)} -> {Product(TargetVersion)}; {Count(Extensions.Count, "extension")}, {Count(Settings.Count, "setting")} that differ, {Count(Clients.Sum(client => client.Connections), "connection")} now";

    /// <summary>version() goes on with the compiler and the machine.</summary>
    private static string Product(string version) => string.Join(' ', version.Split(' ', 3).Take(2));

    private static string Count(int number, string thing) => number == 1 ? $"1 {thing}" : $"{number} {thing}s";
}
