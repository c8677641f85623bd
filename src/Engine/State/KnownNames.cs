using System.Text.Json;

namespace HerokuMigrator.State;

/// <summary>A migration that this machine has a home of.</summary>
/// <param name="Name">Its name.</param>
/// <param name="HasEnded">True where only its logs and its outcome are left.</param>
/// <param name="Folder">Its home.</param>
public sealed record KnownMigration(string Name, bool HasEnded, string Folder);

/// <summary>What the homes of this machine know without a connection: for completion, which must not wait for a server.</summary>
public static class KnownNames
{
    /// <summary>In the order of their names; empty where the folder cannot be read.</summary>
    /// <param name="stateRoot">The folder above the homes; null: where it usually is.</param>
    public static IReadOnlyList<KnownMigration> Migrations(string? stateRoot = null)
    {
        try
        {
            return
            [
                .. Directory.EnumerateDirectories(MigrationHome.Root(stateRoot)).Select(Path.GetFileName).Where(MigrationName.IsValid)
                    .Select(name => MigrationHome.Locate(name!, stateRoot)).Where(home => home.Exists || File.Exists(home.OutcomeFile))
                    .Select(home => new KnownMigration(home.Name, !home.Exists, home.Folder)).OrderBy(known => known.Name, StringComparer.Ordinal),
            ];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>The tables of a migration, as <c>schema.table</c>; empty where this machine has not read them.</summary>
    public static IReadOnlyList<string> Tables(string name, string? stateRoot = null)
    {
        try
        {
            return JsonSerializer.Deserialize<string[]>(File.ReadAllText(MigrationHome.Locate(name, stateRoot).TablesFile)) ?? [];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException)
        {
            return [];
        }
    }

    internal static Task KeepTablesAsync(MigrationHome home, IEnumerable<TableRow> tables, CancellationToken cancellationToken) =>
        MigrationHome.WritePrivateAsync(home.TablesFile, JsonSerializer.Serialize(tables.Select(row => $"{row.Table.Schema}.{row.Table.Name}").Order(StringComparer.Ordinal)), cancellationToken);
}
