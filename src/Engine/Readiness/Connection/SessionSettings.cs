using HerokuMigrator.Operations;
using Npgsql;

namespace HerokuMigrator.Readiness;

internal sealed class SessionSettings : IReadinessCheck
{
    public string Id => nameof(SessionSettings);

    public string Group => CheckGroup.Connection;

    public string Title => "The sessions have the settings that the migration asks for";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        await using var target = await context.OpenTargetAsync(cancellationToken);
        var (onSource, onTarget) = (await DifferingAsync(source, cancellationToken), await DifferingAsync(target, cancellationToken));
        var sides = new[] { ("source", onSource), ("target", onTarget) }.Where(side => side.Item2.Count > 0).ToList();
        return sides.Count == 0
            ? Finding.Pass("Both servers took the settings of the migration's sessions.")
            : Finding.Blocked(
                string.Join(" ", sides.Select(side => $"Settings of a session do not reach the {side.Item1}: {FindingText.Several(side.Item2)}.")),
                "Rows are compared and copied as text, and must read the same on both sides; without a limit of their own, statements of hours are cut by that of the role.",
                "Connect directly: a pooler or proxy in between drops the settings (see NotPooled). Where there is none, an event trigger on login changes them: exempt this role from it.",
                [.. onSource.Concat(onTarget).Select(setting => setting.Split(' ')[0]).Distinct(StringComparer.Ordinal)]);
    }

    /// <summary>Those that have another value than was asked for at the connection's start. Times are shown by the server with units of its own.</summary>
    private static async Task<List<string>> DifferingAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var wanted = MigrationSession.PinnedSettings.Where(pair => !pair.Key.StartsWith("tcp_", StringComparison.Ordinal)).ToList();
        var found = (await connection.ListAsync(
                "SELECT lower(name), setting FROM pg_settings WHERE lower(name) = ANY ($1)",
                row => (Name: row.GetString(0), Value: row.GetString(1)),
                cancellationToken,
                [wanted.ConvertAll(pair => pair.Key.ToLowerInvariant()).ToArray()]))
            .ToDictionary(setting => setting.Name, setting => setting.Value, StringComparer.Ordinal);
        return [.. wanted
            .Where(pair => !string.Equals(found.GetValueOrDefault(pair.Key.ToLowerInvariant()), pair.Value, StringComparison.OrdinalIgnoreCase))
            .Select(pair => $"{pair.Key} is '{found.GetValueOrDefault(pair.Key.ToLowerInvariant()) ?? "unknown"}', not '{pair.Value}'")];
    }
}
