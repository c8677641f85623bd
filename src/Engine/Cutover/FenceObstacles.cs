using HerokuMigrator.Readiness;
using Npgsql;

namespace HerokuMigrator.Cutover;

/// <summary>What stands in the way of the fence, and what it cannot hold.</summary>
internal static class FenceObstacles
{
    /// <summary>Blocked: the fence would leak, or could not be taken away as it was. Warning: what it cannot hold may never be used.</summary>
    public static async Task<IReadOnlyList<SwitchReason>> ReadAsync(NpgsqlConnection source, CancellationToken cancellationToken)
    {
        List<SwitchReason> found = [];
        if (await PrivilegeReader.FindForeignRelationsAsync(source, cancellationToken) is { Count: > 0 } foreign)
        {
            found.Add(SwitchReasons.Blocked("TablesNotOwned", Leaks(foreign), "Hand them to the migrating role (ALTER … OWNER TO), or grant it their owner, then switch again.", foreign));
        }

        if (await PrivilegeReader.FindBeyondRevokeAsync(source, cancellationToken) is { Count: > 0 } beyond)
        {
            found.Add(SwitchReasons.Blocked("WritersBeyondFence", Leaks(beyond), "Revoke that on the source, as whoever granted it, then switch again.", beyond));
        }

        if (await LargeObjectPrivileges.FindObstaclesAsync(source, cancellationToken) is { Count: > 0 } objects)
        {
            found.Add(SwitchReasons.Blocked("LargeObjectPrivileges", Leaks(objects.ConvertAll(one => one.Text)), FindingText.Statements(objects.Select(one => one.Remedy)), objects.ConvertAll(one => one.Text)));
        }

        if (await FenceDoors.FindFunctionsAsync(source, cancellationToken) is { Count: > 0 } functions)
        {
            found.Add(SwitchReasons.Warning(
                "DefinerFunctions", $"What these functions write, no fence holds back: {FindingText.Several(functions)}.", "Make sure that nobody calls them during and after the switch, or revoke EXECUTE on them.", functions));
        }

        if (await ExtensionFence.FindUnfencedAsync(source, cancellationToken) is { Count: > 0 } unfenced)
        {
            found.Add(SwitchReasons.Warning(
                "ExtensionTables", $"What is written during the switch stays behind: {FindingText.Several(unfenced.ConvertAll(one => one.Words))}.",
                string.Join('\n', unfenced.Select(one => one.Remedy)), unfenced.ConvertAll(one => one.Relation)));
        }

        return found;
    }

    private static string Leaks(IReadOnlyList<string> obstacles) => $"The fence would leak: {string.Join("; ", obstacles)}.";
}
