using HerokuMigrator.Adoption;
using HerokuMigrator.Catalog;
using HerokuMigrator.Cutover;
using HerokuMigrator.Notifications;
using HerokuMigrator.State;
using HerokuMigrator.Verification;

namespace HerokuMigrator.Operations;

/// <summary>Says what an operation would do, with the real names, by reading alone.</summary>
internal sealed class PlanDescription(MigrationSession session, StartOptions? startOptions = null)
{
    private DatabaseAddress Source => session.SourceSettings.Address;

    private DatabaseAddress Target => session.TargetSettings.Address;

    public async Task<OperationPlan> BuildAsync(string operation, CancellationToken cancellationToken) => new()
    {
        Name = session.Name,
        Subject = $"{Source} -> {Target}",
        Steps = operation switch
        {
            "start" when startOptions is { CarryOver: true } => await CarryOverAsync(cancellationToken),
            "start" => await StartAsync(cancellationToken),
            "suspend" => await OfMigrationAsync("Stop the Bucardo daemon of this migration; changes are still captured on the source.", cancellationToken),
            "resume" => await OfMigrationAsync("Start the Bucardo daemon of this migration; it replays what was captured meanwhile.", cancellationToken),
            "switch" => await SwitchAsync(new SwitchOptions(), cancellationToken),
            "undo" => await UndoAsync(cancellationToken),
            "complete" => [.. await RestoreAsync(cancellationToken), .. RemoveSteps()],
            "stop" => ["Stop Bucardo.", .. await RestoreAsync(cancellationToken), .. RemoveSteps()],
            _ => throw new ArgumentOutOfRangeException(nameof(operation), operation, "No such operation."),
        },
    };

    public async Task<OperationPlan> BuildSwitchAsync(SwitchOptions options, CancellationToken cancellationToken) => new()
    {
        Name = session.Name,
        Subject = $"{Source} -> {Target}",
        Steps = options.LockOnly
            ? [$"Try for the locks of the fence on {Source}, once, for {options.LockTimeoutMs} ms at the most, and let them go at once."]
            : await SwitchAsync(options, cancellationToken),
    };

    public async Task<OperationPlan> BuildComparisonAsync(ComparisonOptions options, CancellationToken cancellationToken)
    {
        await session.RequireMigrationAsync(cancellationToken);
        var tables = new ComparisonPlanner(options).Select([.. (await session.Store.ReadTablesAsync(cancellationToken)).Select(row => row.Table)]);
        return new OperationPlan
        {
            Name = session.Name,
            Subject = $"{Source} -> {Target}",
            Steps =
            [
                $"Read {tables.Count} tables on both sides, {options.Jobs} statements at a time on each: {Names(tables)}.",
                $"Keep the results in schema heroku_migrator on {Target}.",
                .. options.Repair ? [$"Note the keys of rows that differ in the delta tables (schema bucardo) of {Source}, so that Bucardo replays those rows on {Target}; rows that the source has not are deleted there."] : Array.Empty<string>(),
            ],
        };
    }

    private async Task<IReadOnlyList<string>> OfMigrationAsync(string step, CancellationToken cancellationToken)
    {
        await session.RequireMigrationAsync(cancellationToken);
        return [step];
    }

    private async Task<IReadOnlyList<string>> StartAsync(CancellationToken cancellationToken)
    {
        await using var source = await session.OpenSourceAsync(cancellationToken);
        var choice = (startOptions ?? new StartOptions()).Over((await session.ReadStateAsync(cancellationToken))?.Options ?? new StartOptions()).Keyless;
        var tables = KeylessPolicy.Apply(await CatalogReader.ReadTablesAsync(source, cancellationToken), choice);
        await KeylessPolicy.RequireAsync(source, tables, choice, cancellationToken);
        var moved = tables.Where(table => table.Mode != TransferMode.LeftOut).ToList();
        var replayed = moved.Where(table => table.Mode == TransferMode.Replayed).ToList();
        var whole = moved.Except(replayed).ToList();
        var leftOut = tables.Except(moved).ToList();
        return
        [
            $"Keep the state in schema heroku_migrator on {Target}.",
            $"Make the schema of {Source} on {Target}.",
            $"Install capture (schemas bucardo and heroku_migrator, two triggers a table) on {replayed.Count} tables of {Source}: {Names(replayed)}.",
            $"Copy {moved.Count} tables, {moved.Sum(table => table.Bytes) / 1048576.0:0.0} MiB.",
            .. leftOut.Count == 0 ? Array.Empty<string>() : [$"Leave {leftOut.Count} tables without a usable key empty on the target: {Names(leftOut)}."],
            whole.Count == 0
                ? "Copy no table again under the fence."
                : $"Watch {whole.Count} tables without a usable key by two triggers each, and copy those that were written again under the fence: {Names(whole)}.",
            "Replay changes by Bucardo until the switch.",
            .. session.Options.NotificationUri is { Length: > 0 } uri ? [$"Post changes of phase to {NotificationUri.HostOf(uri)}; the address is kept in {session.Home.Folder}."] : Array.Empty<string>(),
        ];
    }

    private async Task<IReadOnlyList<string>> CarryOverAsync(CancellationToken cancellationToken)
    {
        await CarryOver.RequireReplicatingAsync(session, cancellationToken);
        var plan = await new CarryOver(session).PlanAsync(cancellationToken);
        return
        [
            .. plan.Any ? plan.Words.Select(words => $"Bring to {Target}: {words}.") : ["Bring nothing to the target."],
            .. plan.Columns.SelectMany(added => added.Statements).Select(statement => $"On {Target}: {statement};"),
            .. plan.Columns.Count == 0 ? Array.Empty<string>() : ["Replay the rows that have a value of their own in a new column, or copy their tables again where these are very many."],
            .. plan.Left.Select(left => $"Not, as {left.Words}: {left.Remedy}"),
        ];
    }

    private async Task<IReadOnlyList<string>> SwitchAsync(SwitchOptions options, CancellationToken cancellationToken)
    {
        await session.RequireMigrationAsync(cancellationToken);
        await using var source = await session.OpenSourceAsync(cancellationToken);
        var record = await PrivilegeReader.ReadAsync(source, cancellationToken);
        var planned = await session.Store.ReadTablesAsync(cancellationToken);
        var whole = planned.Count(row => row.Table.Mode == TransferMode.CopiedWhole);
        var leftOut = planned.Select(row => row.Table).Where(table => table.Mode == TransferMode.LeftOut).ToList();
        var written = await new StaleTables(session).KeylessAsync(source, cancellationToken);
        return
        [
            $"Take INSERT, UPDATE, DELETE, TRUNCATE on {record.Relations.Count(relation => !relation.IsSequence)} tables and USAGE, UPDATE on {record.Relations.Count(relation => relation.IsSequence)} sequences of {Source} from {Roles(record)}.",
            .. record.LargeObjects.Count == 0 ? Array.Empty<string>() : [$"Take UPDATE on {record.LargeObjects.Sum(group => group.Oids.Count)} large objects of {Source} from their owners and all others, and copy them with their oids."],
            $"Set role {string.Join(", ", record.Roles.Select(role => role.Role))} to read-only by default.",
            .. options.TerminateBlockers ? ["End the sessions whose transactions keep the locks from the fence; those are rolled back."] : Array.Empty<string>(),
            "End Bucardo, drain what was captured, and prove it by a sentinel.",
            whole == 0
                ? "Copy no table again."
                : $"Copy those of {whole} tables without a usable key again that were written since their copy, {written.Count} until now{(written.Count == 0 ? "" : ": " + Names(written))}.",
            .. leftOut.Count == 0 ? Array.Empty<string>() : [$"Leave {leftOut.Count} tables without a usable key as they are on the target: {Names(leftOut)}."],
            $"Set the sequences of {Target}.",
            .. options.CompareBudgetMs > 0 ? [$"Compare the newest rows of both sides for {options.CompareBudgetMs} ms."] : Array.Empty<string>(),
            options.Rehearse
                ? $"Then give all privileges back at once, after {options.TimeoutSeconds} s at the most, and replicate again: it is a rehearsal."
                : $"Hand over: {Target} takes the writes from then on.",
        ];
    }

    private async Task<IReadOnlyList<string>> UndoAsync(CancellationToken cancellationToken)
    {
        await session.RequireMigrationAsync(cancellationToken);
        return [.. await RestoreAsync(cancellationToken), $"Replace on {Target} what was written there since the switch.", "Start Bucardo again."];
    }

    private async Task<IReadOnlyList<string>> RestoreAsync(CancellationToken cancellationToken)
    {
        if (await session.Store.ReadAsync(cancellationToken) is null || await new Fence(session).LoadAsync(cancellationToken) is not { } record)
        {
            return [];
        }

        return [$"Give the recorded privileges on {record.Relations.Count} tables and sequences{(record.LargeObjects.Count == 0 ? "" : $", and {record.LargeObjects.Sum(group => group.Oids.Count)} large objects,")} of {Source} back to {Roles(record)}."];
    }

    private string[] RemoveSteps() =>
    [
        $"Remove the capture triggers and the schemas bucardo and heroku_migrator from {Source}.",
        $"Drop schema heroku_migrator on {Target}; the migrated tables stay.",
        $"Remove Bucardo's files and the saved connections from {session.Home.Folder}.",
    ];

    private static string Roles(FenceRecord record) => string.Join(", ", record.Relations.SelectMany(relation => relation.Grants)
        .Select(grant => grant.Grantee.Length == 0 ? "PUBLIC" : grant.Grantee).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal));

    private static string Names(IReadOnlyList<TableInfo> tables) =>
        tables.Count <= 10 ? string.Join(", ", tables) : string.Join(", ", tables.Take(10)) + $" and {tables.Count - 10} more";
}
