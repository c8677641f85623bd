using System.Text.RegularExpressions;
using HerokuMigrator.Catalog;
using HerokuMigrator.Operations;
using HerokuMigrator.State;
using Npgsql;

namespace HerokuMigrator.Schema;

/// <summary>
/// Makes the entries of the dumped schema on the target, each once: an entry and the note that it is made commit together,
/// so that a run that was killed goes on where it stood.
/// </summary>
internal sealed partial class SchemaRestorer(MigrationSession session)
{
    /// <summary>Entries before the rows a transaction; each takes a few locks until its end.</summary>
    private const int EntriesTogether = 100;

    public const string SessionSettings =
        "SET check_function_bodies = false; SET client_min_messages = warning; SET default_tablespace = ''; SET default_table_access_method = heap";

    /// <summary>Stores the entries; the first dump counts, a later call changes nothing.</summary>
    public async Task SaveAsync(IReadOnlyList<SchemaEntry> entries, CancellationToken cancellationToken)
    {
        await using var connection = await session.OpenTargetAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await InsertAsync(connection, entries, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    /// <summary>Adds tables to the plan together with their entries, after all that there are.</summary>
    public async Task AppendAsync(IReadOnlyList<SchemaEntry> entries, IReadOnlyList<TableInfo> tables, CancellationToken cancellationToken)
    {
        await using var connection = await session.OpenTargetAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var last = await connection.ScalarAsync<int>("SELECT coalesce(max(seq), 0) FROM heroku_migrator.schema_entry", cancellationToken);
        await InsertAsync(connection, [.. entries.Select(entry => entry with { Sequence = last + entry.Sequence })], cancellationToken);
        await StateStore.SavePlanAsync(connection, tables, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    /// <summary>True where something is to be made that does not wait for the fence.</summary>
    public async Task<bool> HasPendingAsync(CancellationToken cancellationToken)
    {
        await using var connection = await session.OpenTargetAsync(cancellationToken);
        return await connection.ScalarAsync<bool>(
            "SELECT EXISTS (SELECT FROM heroku_migrator.schema_entry WHERE done_at IS NULL AND stage <> $1)", cancellationToken, nameof(SchemaStage.UnderFence));
    }

    private static async Task InsertAsync(NpgsqlConnection connection, IReadOnlyList<SchemaEntry> entries, CancellationToken cancellationToken)
    {
        foreach (var batch in entries.Chunk(SqlExtensions.RowsAStatement))
        {
            await connection.ExecuteAsync(
                """
                INSERT INTO heroku_migrator.schema_entry (seq, stage, kind, name, sql, undo_sql)
                SELECT * FROM unnest($1::integer[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
                """,
                cancellationToken,
                batch.Select(entry => entry.Sequence).ToArray(), batch.Select(entry => entry.Stage.ToString()).ToArray(), batch.Select(entry => entry.Kind).ToArray(),
                batch.Select(entry => entry.Name).ToArray(), batch.Select(entry => entry.Sql).ToArray(), batch.Select(entry => entry.UndoSql).ToArray());
        }
    }

    public async Task<bool> HasEntriesAsync(CancellationToken cancellationToken)
    {
        await using var connection = await session.OpenTargetAsync(cancellationToken);
        return await connection.ScalarAsync<bool>("SELECT EXISTS (SELECT FROM heroku_migrator.schema_entry)", cancellationToken);
    }

    /// <summary>
    /// Many entries a transaction, together with the note that they are made, and all of them in one way there and back: so that neither the target's room for locks
    /// nor a slow link counts. Where one is refused, those of its transaction are made one by one.
    /// </summary>
    public async Task RestoreBeforeDataAsync(CancellationToken cancellationToken)
    {
        await using var connection = await session.OpenTargetAsync(cancellationToken);
        await connection.ExecuteAsync(SessionSettings, cancellationToken);
        var entries = await PendingAsync(connection, SchemaStage.BeforeData, cancellationToken);
        var done = 0;
        foreach (var together in entries.Chunk(EntriesTogether))
        {
            if (!await TryMakeTogetherAsync(connection, together, cancellationToken))
            {
                foreach (var entry in together)
                {
                    await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
                    await MakeAsync(connection, transaction, entry, cancellationToken);
                    await transaction.CommitAsync(cancellationToken);
                }
            }

            done += together.Length;
            session.Events.Progress(new OperationProgress("Making the schema on the target", together[^1].ToString(), 100 * done / entries.Count));
        }
    }

    /// <summary>False, and nothing made, where one is refused.</summary>
    private async Task<bool> TryMakeTogetherAsync(NpgsqlConnection connection, IReadOnlyList<SchemaEntry> entries, CancellationToken cancellationToken)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using var batch = new NpgsqlBatch(connection) { Timeout = 0 };
        foreach (var entry in entries)
        {
            session.Events.Debug($"Target: {entry}");
            batch.AddScript(entry.Sql);
        }

        batch.BatchCommands.Add(new NpgsqlBatchCommand("UPDATE heroku_migrator.schema_entry SET done_at = clock_timestamp() WHERE seq = ANY ($1)")
        {
            Parameters = { new NpgsqlParameter { Value = entries.Select(entry => entry.Sequence).ToArray() } },
        });
        try
        {
            await batch.ExecuteNonQueryAsync(cancellationToken);
            await transaction.CommitAsync(cancellationToken);
            return true;
        }
        catch (PostgresException exception)
        {
            session.Events.Debug($"One by one, as one was refused: {exception.MessageText}");
            await transaction.RollbackAsync(CancellationToken.None);
            return false;
        }
    }

    public Task RestoreAsync(SchemaStage stage, CancellationToken cancellationToken) => RestoreAsync(stage, [], static _ => Task.CompletedTask, cancellationToken);

    /// <summary>Each entry in its own transaction, as many of them side by side as the target is given to.</summary>
    /// <param name="stage">Those of it that are not made yet.</param>
    /// <param name="afterIndexes">What else is to be done to tables, each once its table has its indexes; <see cref="BuildPiece.Length"/> in seconds.</param>
    /// <param name="besideForeignKeys">What wants rows and indexes, and can do without foreign keys.</param>
    /// <param name="cancellationToken">Ends it; what is made stays.</param>
    public async Task RestoreAsync(
        SchemaStage stage, IReadOnlyList<BuildPiece> afterIndexes, Func<CancellationToken, Task> besideForeignKeys, CancellationToken cancellationToken)
    {
        List<SchemaEntry> entries;
        await using (var connection = await session.OpenTargetAsync(cancellationToken))
        {
            entries = await PendingAsync(connection, stage, cancellationToken);
        }

        await new ParallelRestorer(session, this).RestoreAsync(entries, afterIndexes, besideForeignKeys, cancellationToken);
    }

    /// <summary>What is still to be made of <see cref="SchemaStage.Keys"/>, by the table that it is made on.</summary>
    public async Task<ILookup<string, SchemaEntry>> ReadKeysAsync(CancellationToken cancellationToken)
    {
        await using var connection = await session.OpenTargetAsync(cancellationToken);
        return (await PendingAsync(connection, SchemaStage.Keys, cancellationToken)).Where(entry => LockedTables.Of(entry.Sql) is not null)
            .ToLookup(entry => LockedTables.Of(entry.Sql)!, StringComparer.Ordinal);
    }

    /// <summary>Leaves foreign keys that are known by these texts for under the fence; returns how many.</summary>
    public async Task<int> DeferForeignKeysAsync(IReadOnlyList<string> texts, CancellationToken cancellationToken)
    {
        await using var connection = await session.OpenTargetAsync(cancellationToken);
        var keys = new ForeignKeyTexts(texts);
        var pending = await connection.ListAsync(
            "SELECT seq, sql FROM heroku_migrator.schema_entry WHERE stage = $1 AND kind = 'FK CONSTRAINT' AND done_at IS NULL",
            row => (Sequence: row.GetInt32(0), Sql: row.GetString(1)), cancellationToken, nameof(SchemaStage.AfterDrain));
        return await connection.ExecuteAsync(
            "UPDATE heroku_migrator.schema_entry SET stage = $1 WHERE seq = ANY ($2)",
            cancellationToken, nameof(SchemaStage.UnderFence), pending.Where(entry => keys.Name(entry.Sql)).Select(entry => entry.Sequence).ToArray());
    }

    /// <summary>Takes back what was made under a fence that is gone now, as it would disturb the replication.</summary>
    public async Task UndoUnderFenceAsync(CancellationToken cancellationToken)
    {
        await using var connection = await session.OpenTargetAsync(cancellationToken);
        var undo = await connection.ListAsync(
            "SELECT seq, undo_sql FROM heroku_migrator.schema_entry WHERE stage = $1 AND done_at IS NOT NULL AND undo_sql IS NOT NULL ORDER BY seq DESC",
            row => (Sequence: row.GetInt32(0), Sql: row.GetString(1)),
            cancellationToken,
            nameof(SchemaStage.UnderFence));
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        foreach (var (sequence, sql) in undo)
        {
            await connection.ExecuteScriptAsync(sql, cancellationToken);
            await connection.ExecuteAsync("UPDATE heroku_migrator.schema_entry SET done_at = NULL WHERE seq = $1", cancellationToken, sequence);
        }

        await transaction.CommitAsync(cancellationToken);
    }

    /// <summary>In the transaction of whoever calls: the entry, and the note that it is made.</summary>
    public async Task MakeAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, SchemaEntry entry, CancellationToken cancellationToken)
    {
        session.Events.Debug($"Target: {entry}");
        string? problem = null;
        await transaction.SaveAsync("entry", cancellationToken);
        try
        {
            await ExecuteAsync(connection, transaction, entry, cancellationToken);
            await transaction.ReleaseAsync("entry", cancellationToken);
        }
        catch (PostgresException exception) when (entry.Kind == "CAST" && exception.SqlState is PostgresErrorCodes.DuplicateObject or PostgresErrorCodes.InsufficientPrivilege)
        {
            // Between types of the server only a superuser can make it, and may have done so beforehand.
            await transaction.RollbackAsync("entry", cancellationToken);
            if (!await HasCastAsync(connection, entry, cancellationToken))
            {
                throw Errors.SchemaEntryFailed(entry.ToString(), entry.Sql, [], exception);
            }
        }
        catch (PostgresException exception) when (MayBeMissing(entry, exception))
        {
            await transaction.RollbackAsync("entry", cancellationToken);
            problem = exception.MessageText;
            session.Events.Warning($"The target has no {entry}: {problem}.");
        }
        catch (PostgresException exception)
        {
            await transaction.RollbackAsync("entry", cancellationToken);
            throw Errors.SchemaEntryFailed(entry.ToString(), entry.Sql, await NamedByAsync(connection, entry, cancellationToken), exception);
        }

        await connection.ExecuteAsync("UPDATE heroku_migrator.schema_entry SET done_at = clock_timestamp(), problem = $2 WHERE seq = $1", cancellationToken, entry.Sequence, problem);
    }

    /// <summary>
    /// pg_dump's text names everything with its schema, so it is run without a search path. Where the server looks into a function's body already now
    /// (to inline it into a generated column), that body may want one; the source had it.
    /// </summary>
    private async Task ExecuteAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, SchemaEntry entry, CancellationToken cancellationToken)
    {
        try
        {
            await connection.ExecuteScriptAsync(entry.Sql, cancellationToken);
        }
        catch (PostgresException exception) when (entry.Stage == SchemaStage.BeforeData && exception.SqlState is
            PostgresErrorCodes.UndefinedFunction or PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.UndefinedObject)
        {
            await transaction.RollbackAsync("entry", cancellationToken);
            var settings = await session.ReadApplicationSettingsAsync(cancellationToken);
            await connection.ExecuteAsync("SET LOCAL search_path = " + settings.SearchPath, cancellationToken);
            await connection.ExecuteScriptAsync(entry.Sql, cancellationToken);
            await connection.ExecuteAsync("SET LOCAL search_path = pg_catalog", cancellationToken);
        }
    }

    /// <summary>What cannot be made without it, as far as the text of the later entries tells.</summary>
    private static Task<List<string>> NamedByAsync(NpgsqlConnection connection, SchemaEntry entry, CancellationToken cancellationToken) =>
        connection.ListAsync(
            "SELECT kind || ' ' || name FROM heroku_migrator.schema_entry WHERE seq > $1 AND kind <> 'COMMENT' AND strpos(sql, $2) > 0 ORDER BY seq",
            row => row.GetString(0), cancellationToken, entry.Sequence, entry.Name);

    private static Task<bool> HasCastAsync(NpgsqlConnection connection, SchemaEntry entry, CancellationToken cancellationToken)
    {
        var types = CastTypes().Match(entry.Sql);
        return connection.ScalarAsync<bool>(
            "SELECT EXISTS (SELECT FROM pg_cast WHERE castsource = to_regtype($1) AND casttarget = to_regtype($2))", cancellationToken, types.Groups["from"].Value, types.Groups["to"].Value);
    }

    /// <summary>
    /// An extension that cannot be made may not be needed (pg_stat_statements); where it is, the first entry that needs it fails and is named.
    /// Event triggers need a superuser.
    /// </summary>
    private static bool MayBeMissing(SchemaEntry entry, PostgresException exception) =>
        entry.Kind is "EXTENSION" || (entry.Kind is "EVENT TRIGGER" && exception.SqlState == PostgresErrorCodes.InsufficientPrivilege);

    private static async Task<List<SchemaEntry>> PendingAsync(NpgsqlConnection connection, SchemaStage stage, CancellationToken cancellationToken) =>
        await connection.ListAsync(
            "SELECT seq, stage, kind, name, sql FROM heroku_migrator.schema_entry WHERE stage = $1 AND done_at IS NULL ORDER BY seq",
            row => new SchemaEntry(row.GetInt32(0), Enum.Parse<SchemaStage>(row.GetString(1)), row.GetString(2), row.GetString(3), row.GetString(4)),
            cancellationToken,
            stage.ToString());

    [GeneratedRegex(@"^CREATE CAST \((?<from>.+) AS (?<to>.+?)\) WITH", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex CastTypes();
}
