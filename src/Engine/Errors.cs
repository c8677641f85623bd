using HerokuMigrator.Catalog;
using Npgsql;

namespace HerokuMigrator;

/// <summary>Every error that the engine raises of its own accord: its id, its kind, its words, and the next command. docs/errors.md explains each.</summary>
internal static class Errors
{
    public static MigrationException LockNotGranted(string what, int attempts, string blockers, PostgresException inner) =>
        new("LockNotGranted", ErrorKind.ResourceBusy,
            $"No lock on {what} was to be had in {attempts} attempts. In the way: {blockers}.",
            "End those transactions, or wait for them, and run the same command again.", inner)
        {
            Subject = what,
            SqlState = inner.SqlState,
        };

    public static MigrationException ForeignBucardo(string schema) =>
        Refusal("LeftoverBucardo", ErrorKind.ResourceExists,
            $"The source has a schema {schema} that this tool did not make.",
            $"If nothing uses it any more, remove it on the source (DROP SCHEMA {schema} CASCADE), then run Test-MigrationReadiness again.", schema);

    public static MigrationException OtherMigrationOnSource(string id) =>
        Refusal("OtherMigrationOnSource", ErrorKind.ResourceExists,
            $"The source carries the capture objects of another migration ({id}).",
            "Complete or stop that migration first: Stop-Migration with its -Name, or with -SourceUrl and -TargetUrl.", id);

    public static MigrationException SameDatabase(DatabaseAddress source, DatabaseAddress target) =>
        Refusal("SameDatabase", ErrorKind.InvalidArgument,
            $"Source ({source}) and target ({target}) are the same database.",
            "Give the new, empty database as -TargetUrl (or PLANETSCALE_URL).", target.ToString());

    public static MigrationException UrlMissing(string side, string variable) =>
        new("ConnectionMissing", ErrorKind.InvalidArgument,
            $"No {side} database was named, and no migration of that name is known here.",
            $"Set {variable}, or give -{(side == "source" ? "SourceUrl" : "TargetUrl")} (console: --{side}).")
        {
            IsRefusal = true,
        };

    public static MigrationException NotReady(ReadinessReport report)
    {
        var blocked = report.Checks.Where(check => check.Status == CheckStatus.Blocked).ToList();
        return Refusal("NotReady", ErrorKind.InvalidOperation,
            $"{blocked.Count} readiness checks block the start: " + string.Join(" ", blocked.Select(check => $"[{check.Id}] {check.Finding}")),
            string.Join(" ", blocked.Select(check => check.Remedy).Where(remedy => remedy.Length > 0).Distinct().Append("Then run Test-MigrationReadiness again.")),
            blocked.SelectMany(check => check.Objects).FirstOrDefault());
    }

    public static MigrationException KeylessTablesRefused(IReadOnlyList<TableInfo> tables) =>
        Refusal("KeylessTablesRefused", ErrorKind.InvalidOperation,
            $"{tables.Count} tables have no key to replay changes by, and -KeylessTable Refuse forbids them: {Several(tables.Select(table => $"{table} ({table.ModeReason})"))}. Nothing was changed.",
            "Give them keys (Test-MigrationReadiness -Include TablesCopiedWhole shows how), or start with -KeylessTable Copy or Skip.", tables[0].QualifiedName);

    public static MigrationException LeftOutReferenced(IReadOnlyList<(string Table, string LeftOut)> references) =>
        Refusal("LeftOutReferenced", ErrorKind.InvalidOperation,
            $"-KeylessTable Skip would leave out rows that foreign keys of other tables refer to: {Several(references.Select(reference => $"{reference.Table} refers to {reference.LeftOut}"))}. Nothing was changed.",
            "Start with -KeylessTable Copy, or give those tables keys (Test-MigrationReadiness -Include TablesCopiedWhole shows how).", references[0].LeftOut);

    public static MigrationException KeylessTableFixed(string name, KeylessTable before, KeylessTable now) =>
        Refusal("KeylessTableFixed", ErrorKind.InvalidArgument,
            $"Migration '{name}' was planned with -KeylessTable {before}; it cannot go on with {now}.",
            $"Run it again without -KeylessTable; or Stop-Migration, empty the target, and start anew with -KeylessTable {now}.", name);

    public static MigrationException StateMissing(string name, string id) =>
        Refusal("StateMissing", ErrorKind.ObjectNotFound,
            $"The target has no state of migration '{name}', but the source carries the capture objects of a migration ({id}).",
            "If that migration's target is gone, clean the source with Stop-Migration -AbandonTarget; else name the target that holds its state.", name);

    /// <summary>The same error, with one more thing that can be done about it.</summary>
    public static MigrationException WithAdvice(MigrationException inner, string advice) =>
        new(inner.ErrorId, inner.Kind, inner.Message, inner.RecommendedAction + " " + advice, inner)
        {
            Subject = inner.Subject,
            SqlState = inner.SqlState,
            IsRefusal = inner.IsRefusal,
        };

    public static MigrationException SourceWritable(string name, IReadOnlyList<string> what) =>
        Refusal("SourceWritable", ErrorKind.InvalidOperation,
            $"The source of migration '{name}' is not as the switch left it: {string.Join("; ", what.Take(5))}. Writes there since the switch are not on the target.",
            "Bring both together again with Undo-TrafficSwitch, then switch anew.", name);

    public static MigrationException NameInUse(string name, string side, DatabaseAddress known) =>
        Refusal("NameInUse", ErrorKind.ResourceExists,
            $"Migration '{name}' on this machine has another {side}: {known}.",
            "Give this migration a name of its own with -Name (console: --name), or finish the other one first.", name);

    public static MigrationException UnknownMigration(string name) => UnknownMigration(name, "the target has no state of one");

    /// <summary>Asked for what is left of it, which the home may have too.</summary>
    public static MigrationException UnknownMigrationHere(string name, string home) =>
        UnknownMigration(name, $"this machine has no home of one ({home}), and no target that was named has its state");

    private static MigrationException UnknownMigration(string name, string why) =>
        new("MigrationUnknown", ErrorKind.ObjectNotFound,
            $"There is no migration '{name}': {why}.",
            "Start one with Start-BucardoSync, or name the right one with -Name.")
        {
            Subject = name,
            IsRefusal = true,
        };

    public static MigrationException WrongPhase(string name, string operation, MigrationPhase phase, string next) =>
        Refusal("WrongPhase", ErrorKind.InvalidOperation, $"Migration '{name}' is {phase}: {operation} is not possible now.", next, name);

    public static MigrationException RehearsalTooLate(string name, MigrationPhase phase) =>
        WrongPhase(name, "a rehearsal", phase, "The fence is there already; Undo-TrafficSwitch takes it away.");

    public static MigrationException OtherName(string wanted, string found) =>
        Refusal("OtherMigrationOnTarget", ErrorKind.ResourceExists,
            $"The target holds the state of migration '{found}', not of '{wanted}'.",
            $"Use -Name {found}, or finish that migration first (Stop-Migration -Name {found}).", found);

    public static MigrationException OtherSource(string name) =>
        Refusal("OtherSource", ErrorKind.InvalidArgument,
            $"Migration '{name}' was begun from another source database than the one that is named now.",
            "Name the same source as before, or stop that migration first with Stop-Migration.", name);

    public static MigrationException Locked(string name, string holder) =>
        Refusal("MigrationLocked", ErrorKind.ResourceBusy,
            $"Migration '{name}' is being worked on by {holder}.",
            "Wait until that has ended; Get-SyncStatus shows how far it is.", name);

    public static MigrationException NotComparable(string name, MigrationPhase phase) =>
        WrongPhase(name, "a comparison", phase, "It can be compared from replication to the end of the switch; Get-SyncStatus -Wait waits for that.");

    public static MigrationException ComparisonRunning(string name, string holder) =>
        Refusal("ComparisonRunning", ErrorKind.ResourceBusy,
            $"Migration '{name}' is being compared already, by {holder}.",
            "Wait until that comparison has ended, or end it; then run Test-MigrationData again.", name);

    public static MigrationException UnknownTable(string pattern) =>
        Refusal("UnknownTable", ErrorKind.InvalidArgument,
            $"No table of this migration has the name '{pattern}', or one that this pattern fits.",
            "Give schema.table in the case that it has, such as public.orders, or a pattern with * and ?, such as 'public.*'.", pattern);

    public static MigrationException SchemaEntryFailed(string entry, string sql, IReadOnlyList<string> namedBy, PostgresException inner) =>
        new("SchemaEntryFailed", ErrorKind.InvalidData,
            $"The target refused {entry}: {inner.MessageText}. The statement was: {Shorten(sql)}"
                + (namedBy.Count == 0 ? "" : $" It is named by {namedBy.Count} later statements: {string.Join(", ", namedBy.Take(5))}{(namedBy.Count > 5 ? ", …" : "")}."),
            "Make that statement possible on the target, then run Start-BucardoSync again; it goes on from there.", inner)
        {
            Subject = entry,
            SqlState = inner.SqlState,
        };

    public static MigrationException CarryOverRefused(string entry, PostgresException inner) =>
        new("CarryOverRefused", ErrorKind.InvalidData,
            $"The target would not take {entry} of the source: {inner.MessageText}. Nothing was changed.",
            "Make what it needs on the target by hand (a type, a function), then run Start-BucardoSync -CarryOver again.", inner)
        {
            Subject = entry,
            SqlState = inner.SqlState,
            IsRefusal = true,
        };

    public static MigrationException CopyFailed(string table, Exception inner) =>
        new("CopyFailed", ErrorKind.InvalidData,
            $"Copying {table} failed: {inner.Message}",
            "Remove the cause, then run Start-BucardoSync again; tables that are copied stay copied.", inner)
        {
            Subject = table,
            SqlState = (inner as PostgresException)?.SqlState,
        };

    public static MigrationException SourceTableGone(string table) =>
        Refusal("SchemaDrift", ErrorKind.InvalidData,
            $"{table} is not on the source any more as it was when the migration began.",
            "Stop-Migration, empty the target, and start again; hold back schema changes until the end.", table);

    public static MigrationException DaemonFailed(string cause, string logFile) =>
        new("BucardoFailed", ErrorKind.ResourceUnavailable,
            $"Bucardo does not run: {cause}",
            $"Read {logFile}; then run Start-BucardoSync (or Resume-BucardoSync) again.");

    public static MigrationException ControlClusterFailed(string cause, Exception? inner = null) =>
        new("ControlClusterFailed", ErrorKind.ResourceUnavailable,
            $"Bucardo's private control database does not start: {cause}",
            "Remove the cause, then run the same command again.", inner);

    public static MigrationException HomeUnusable(string path, string cause) =>
        new("HomeUnusable", ErrorKind.PermissionDenied,
            $"The migration's home {path} cannot be used: {cause}.",
            "Set XDG_STATE_HOME to a folder that this user (and, for root, the user postgres) can reach, then run the same command again.")
        {
            Subject = path,
        };

    public static MigrationException WaitTimedOut(SyncStatus status, TimeSpan timeout) =>
        new("WaitTimedOut", ErrorKind.OperationTimeout,
            $"Migration '{status.Name}' was not ready to switch within {timeout.TotalSeconds:0} s: {status}. {string.Join(" ", status.Problems.Concat(BlockedBy(status)))}".TrimEnd(),
            "Look at Get-SyncStatus, and wait longer with -TimeoutSec.")
        {
            Subject = status.Name,
        };

    public static MigrationException AdoptionDelayed(TimeSpan timeout) =>
        new("AdoptionDelayed", ErrorKind.OperationTimeout,
            $"What was made on the source meanwhile is copied, but not completed on the target, as changes of now did not reach it within {timeout.TotalSeconds:0} s.",
            "Wait until Get-SyncStatus shows a small lag; then run the same command again, or leave it to the worker.");

    public static MigrationException DrainTimedOut(double seconds, string detail) =>
        new("DrainTimedOut", ErrorKind.OperationTimeout,
            $"The target was not complete {seconds:0} s after the fence closed ({detail}); the fence was taken away and writes go on.",
            "Look at Get-SyncStatus until the lag is small, then switch again; -TimeoutSec sets the bound.");

    public static MigrationException SwitchRefused(string cause, string remedy, string? subject = null) =>
        Refusal("SwitchRefused", ErrorKind.InvalidOperation, cause, remedy, subject);

    public static MigrationException DiffersUnderFence(string table, long sourceRows, long targetRows) =>
        new("DiffersUnderFence", ErrorKind.InvalidData,
            $"With nothing pending, {table} is not the same on both sides ({sourceRows} rows on the source, {targetRows} on the target in the part that was compared). The fence was taken away again.",
            $"See which rows differ: Test-MigrationData -Table {table}. With -Repair they are replayed; then switch again.")
        {
            Subject = table,
        };

    public static MigrationException HandOverUnknown(string name, Exception inner) =>
        new("HandOverUnknown", ErrorKind.ConnectionError,
            $"The connection to the target was lost at the moment of the hand-over of migration '{name}', and it cannot be asked whether it took place. Nobody may write to the source meanwhile.",
            "Once the target answers, run Invoke-TrafficSwitch again: it finishes; or Undo-TrafficSwitch, which lets writes go on at the source.", inner)
        {
            Subject = name,
        };

    public static MigrationException FenceLeaks(IReadOnlyList<string> leaks) =>
        new("FenceLeaks", ErrorKind.SecurityError,
            $"After the fence these could still write: {string.Join("; ", leaks.Take(5))}{(leaks.Count > 5 ? $"; and {leaks.Count - 5} more" : "")}. The fence was taken away again.",
            "Take those privileges away by hand, or hand the tables to the migrating role, then switch again.");

    /// <summary>Not an error of the migration: whoever watched it has stopped watching.</summary>
    public static MigrationException Detached(string name, int? pid) =>
        new("Detached", ErrorKind.OperationStopped,
            $"The start of migration '{name}' goes on in the background{(pid is null ? "" : $" (process {pid})")}; only the watching has ended.",
            "Get-SyncStatus shows how far it is, Start-BucardoSync watches it again, Stop-Migration ends it.")
        {
            Subject = name,
        };

    public static MigrationException WorkerDied(string name, int? pid, string log) =>
        new("WorkerDied", ErrorKind.ResourceUnavailable,
            $"The worker of migration '{name}'{(pid is null ? "" : $" (process {pid})")} has died before the start was done. What it had said stands in {log}.",
            "Run Start-BucardoSync again; it goes on, and what is copied stays copied.")
        {
            Subject = name,
        };

    public static MigrationException StartInterrupted(string name, string cause) =>
        new("StartInterrupted", ErrorKind.OperationStopped,
            $"The start of migration '{name}' was interrupted: {cause}.",
            "Run Start-BucardoSync again; it goes on. Where the migration was stopped, it begins anew.")
        {
            Subject = name,
        };

    /// <summary>Whatever went wrong, as what a person can act on.</summary>
    public static MigrationException Known(Exception exception) => exception switch
    {
        MigrationException known => known,
        PostgresException refused => StatementRefused(refused),
        NpgsqlException lost => ConnectionLost(lost),
        // So Npgsql tells of a rollback, for one, in a session that the server has ended.
        InvalidOperationException { Source: "Npgsql" } lost => ConnectionLost(new NpgsqlException(lost.Message, lost)),
        _ => new MigrationException("Unexpected", ErrorKind.NotSpecified, $"{exception.GetType().Name}: {exception.Message}",
            "Run the same command again with -Verbose, and report what it prints.", exception),
    };

    /// <summary>What a server refused, where no more particular error tells it.</summary>
    public static MigrationException StatementRefused(PostgresException inner) =>
        new("StatementRefused", inner.SqlState switch
            {
                PostgresErrorCodes.InsufficientPrivilege => ErrorKind.PermissionDenied,
                PostgresErrorCodes.DiskFull or PostgresErrorCodes.OutOfMemory or PostgresErrorCodes.TooManyConnections => ErrorKind.ResourceUnavailable,
                _ => ErrorKind.InvalidOperation,
            },
            $"The server refused a statement: {inner.MessageText} ({inner.SqlState}).{(inner.Detail is { Length: > 0 } detail ? " " + detail : "")}",
            "Remove the cause, then run the same command again; it goes on where it stood.", inner)
        {
            Subject = inner.TableName is null ? null : $"{inner.SchemaName}.{inner.TableName}",
            SqlState = inner.SqlState,
        };

    public static MigrationException ConnectionLost(NpgsqlException inner) =>
        new("ConnectionLost", ErrorKind.ConnectionError,
            $"A connection was lost: {inner.Message}",
            "Run the same command again; it goes on where it stood.", inner);

    private static IEnumerable<string> BlockedBy(SyncStatus status) =>
        status.ReasonsBesideProblems().Where(reason => reason.Status == CheckStatus.Blocked).Select(reason => $"{reason.Id}: {reason.Finding}");

    private static string Several(IEnumerable<string> names) => names.ToList() is { Count: > 10 } many ? string.Join("; ", many.Take(10)) + $"; and {many.Count - 10} more" : string.Join("; ", names);

    private static MigrationException Refusal(string id, ErrorKind kind, string message, string action, string? subject) =>
        new(id, kind, message, action) { IsRefusal = true, Subject = subject };

    private static string Shorten(string sql) => sql.Length <= 300 ? sql : sql[..300] + " …";
}
