using System.Data;
using System.Globalization;
using HerokuMigrator.Catalog;
using HerokuMigrator.Cutover;
using HerokuMigrator.Operations;
using Npgsql;

namespace HerokuMigrator.Copy;

/// <summary>
/// Copies the source's large objects, with their oids, under the fence: nothing captures what is written to them.
/// All in one transaction of the target, which also notes which ones are copies, so that the next switch replaces them.
/// </summary>
internal sealed class LargeObjects(MigrationSession session)
{
    /// <summary>Bytes of one object that are held at a time.</summary>
    private const int Piece = 1024 * 1024;

    /// <summary>Bytes, and statements, that go to the target together.</summary>
    private const int BatchBytes = 4 * Piece;

    private const int BatchStatements = 500;

    /// <summary>Each unlinking takes a lock of its own until the end of its transaction.</summary>
    private const int UnlinkedTogether = 1000;

    private static readonly TimeSpan PatienceBefore = TimeSpan.FromSeconds(10);

    private static readonly string Oids = $"SELECT m.oid::bigint FROM pg_largeobject_metadata m WHERE {UserObjects.LargeObjectFilter} ORDER BY m.oid";

    /// <summary>Before the fence: what would keep the copy from being made, or make it long in beginning.</summary>
    public async Task RefuseAsync(NpgsqlConnection source, CancellationToken cancellationToken)
    {
        var oids = await source.ListAsync(Oids, row => row.GetInt64(0), cancellationToken);
        if (oids.Count == 0)
        {
            return;
        }

        await using var target = await session.OpenTargetAsync(cancellationToken);
        if (!await HasCopiesAsync(target, cancellationToken))
        {
            RefuseCollisions(await PresentAsync(target, oids, cancellationToken));
        }

        RefuseOpen(await OpenTransactions.WaitAsync(source, PatienceBefore, cancellationToken), "the fence was not built");
    }

    /// <returns>The number of objects; 0 where there are none.</returns>
    public async Task<int> CopyAsync(FenceRecord record, DateTimeOffset deadline, CancellationToken cancellationToken)
    {
        await using var source = await session.OpenSourceAsync(cancellationToken);
        await using var target = await session.OpenTargetAsync(cancellationToken);
        if (record.LargeObjects.Count > 0)
        {
            // A second less than the bound of the whole, so that it is told who was in the way.
            RefuseOpen(await OpenTransactions.WaitAsync(source, deadline - DateTimeOffset.UtcNow - TimeSpan.FromSeconds(1), cancellationToken), "the fence is taken away");
        }

        try
        {
            await using var snapshot = await source.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken);
            var oids = await source.ListAsync(Oids, row => row.GetInt64(0), cancellationToken);
            var hasCopies = await HasCopiesAsync(target, cancellationToken);
            if (oids.Count == 0 && !hasCopies)
            {
                return 0;
            }

            TellLater(record, oids);
            var copies = hasCopies ? await target.ListAsync("SELECT oid::bigint FROM heroku_migrator.large_object", row => row.GetInt64(0), cancellationToken) : [];
            var present = await PresentAsync(target, oids, cancellationToken);
            if (!hasCopies)
            {
                RefuseCollisions(present);
            }

            await UnlinkAsync(target, await PresentAsync(target, [.. copies.Except(oids)], cancellationToken), cancellationToken);
            await using var transaction = await target.BeginTransactionAsync(cancellationToken);
            await NoteAsync(target, oids, cancellationToken);
            await EmptyAsync(target, present, cancellationToken);
            await FillAsync(source, target, oids, [.. present], cancellationToken);
            await transaction.CommitAsync(cancellationToken);
            session.Events.Verbose($"Copied {oids.Count} large objects.");
            return oids.Count;
        }
        catch (NpgsqlException exception)
        {
            throw Errors.CopyFailed("the large objects", exception);
        }
    }

    private static Task<bool> HasCopiesAsync(NpgsqlConnection target, CancellationToken cancellationToken) =>
        target.ScalarAsync<bool>("SELECT to_regclass('heroku_migrator.large_object') IS NOT NULL", cancellationToken);

    private static Task<List<long>> PresentAsync(NpgsqlConnection target, IReadOnlyList<long> oids, CancellationToken cancellationToken) =>
        target.ListAsync(
            "SELECT oid::bigint FROM pg_largeobject_metadata WHERE oid = ANY ($1::bigint[]::oid[]) ORDER BY oid", row => row.GetInt64(0), cancellationToken, oids.ToArray());

    private static void RefuseCollisions(IReadOnlyList<long> present)
    {
        if (present.Count > 0)
        {
            throw Errors.SwitchRefused(
                $"{present.Count} large objects of the target, which this migration did not make, have the oids of large objects of the source: {string.Join(", ", present.Take(5))}.",
                "Where they are not needed, remove them on the target (SELECT lo_unlink(oid)), then switch again.", present[0].ToString(CultureInfo.InvariantCulture));
        }
    }

    private static void RefuseOpen(IReadOnlyList<string> open, string outcome)
    {
        if (open.Count > 0)
        {
            throw Errors.SwitchRefused(
                $"The source has large objects, and these transactions, which are open for long, may have one open for writing: {string.Join("; ", open.Take(5))}; {outcome}.",
                "End those transactions, or wait for them, then switch again.", open[0]);
        }
    }

    /// <summary>No row refers to them: rows could not be written any more when they were made.</summary>
    private void TellLater(FenceRecord record, IReadOnlyList<long> oids)
    {
        var later = oids.Except(record.LargeObjects.SelectMany(group => group.Oids)).ToList();
        if (later.Count > 0)
        {
            session.Events.Warning($"{later.Count} large objects were made on the source while the fence closed; no row refers to them, and what is written to them from now on is not on the target: {string.Join(", ", later.Take(20))}.");
        }
    }

    private static async Task UnlinkAsync(NpgsqlConnection target, IReadOnlyList<long> oids, CancellationToken cancellationToken)
    {
        foreach (var batch in oids.Chunk(UnlinkedTogether))
        {
            await target.ExecuteAsync("SELECT lo_unlink(o::oid) FROM unnest($1::bigint[]) o", cancellationToken, batch);
        }
    }

    private static async Task NoteAsync(NpgsqlConnection target, List<long> oids, CancellationToken cancellationToken)
    {
        if (!await HasCopiesAsync(target, cancellationToken))
        {
            await target.ExecuteAsync("CREATE TABLE heroku_migrator.large_object (oid oid PRIMARY KEY)", cancellationToken);
        }

        await target.ExecuteAsync("DELETE FROM heroku_migrator.large_object", cancellationToken);
        await target.ExecuteAsync("INSERT INTO heroku_migrator.large_object SELECT o::oid FROM unnest($1::bigint[]) o", cancellationToken, oids.ToArray());
    }

    /// <summary>Emptied, not unlinked: that would take a lock for each.</summary>
    private static async Task EmptyAsync(NpgsqlConnection target, IReadOnlyList<long> oids, CancellationToken cancellationToken)
    {
        foreach (var batch in oids.Chunk(UnlinkedTogether))
        {
            var list = string.Join(',', batch.Select(oid => oid.ToString(CultureInfo.InvariantCulture)));
            await target.ExecuteAsync(
                $"DO 'DECLARE one oid; handle int; BEGIN FOREACH one IN ARRAY ''{{{list}}}''::oid[] LOOP handle := lo_open(one, 131072); PERFORM lo_truncate64(handle, 0); PERFORM lo_close(handle); END LOOP; END'",
                cancellationToken);
        }
    }

    private static async Task FillAsync(NpgsqlConnection source, NpgsqlConnection target, List<long> oids, HashSet<long> present, CancellationToken cancellationToken)
    {
        var writer = new Writer(target);
        foreach (var batch in oids.Chunk(BatchStatements))
        {
            var large = new List<long>();
            await using (var command = new NpgsqlCommand("SELECT o, lo_get(o::oid, 0, $2) FROM unnest($1::bigint[]) o", source) { CommandTimeout = 0 })
            {
                command.Parameters.Add(new NpgsqlParameter { Value = batch });
                command.Parameters.Add(new NpgsqlParameter { Value = Piece });
                await using var reader = await command.ExecuteReaderAsync(cancellationToken);
                while (await reader.ReadAsync(cancellationToken))
                {
                    var (oid, content) = (reader.GetInt64(0), reader.GetFieldValue<byte[]>(1));
                    await writer.AddAsync(present.Contains(oid) ? "SELECT lo_put($1::oid, 0, $2)" : "SELECT lo_from_bytea($1::oid, $2)", oid, content, cancellationToken);
                    if (content.Length == Piece)
                    {
                        large.Add(oid);
                    }
                }
            }

            foreach (var oid in large)
            {
                byte[] content;
                for (long at = Piece; (content = (await source.ScalarAsync<byte[]>("SELECT lo_get($1::oid, $2, $3)", cancellationToken, oid, at, Piece))!).Length > 0; at += Piece)
                {
                    await writer.AddAsync($"SELECT lo_put($1::oid, {at.ToString(CultureInfo.InvariantCulture)}, $2)", oid, content, cancellationToken);
                }
            }
        }

        await writer.FlushAsync(cancellationToken);
    }

    /// <summary>Sends statements together: on a slow link each one's way there and back would be a part of the write pause.</summary>
    private sealed class Writer(NpgsqlConnection target)
    {
        private readonly List<NpgsqlBatchCommand> _commands = [];
        private int _bytes;

        public async Task AddAsync(string sql, long oid, byte[] content, CancellationToken cancellationToken)
        {
            _commands.Add(new NpgsqlBatchCommand(sql) { Parameters = { new NpgsqlParameter { Value = oid }, new NpgsqlParameter { Value = content } } });
            _bytes += content.Length;
            if (_bytes >= BatchBytes || _commands.Count >= BatchStatements)
            {
                await FlushAsync(cancellationToken);
            }
        }

        public async Task FlushAsync(CancellationToken cancellationToken)
        {
            if (_commands.Count == 0)
            {
                return;
            }

            await using var batch = new NpgsqlBatch(target) { Timeout = 0 };
            foreach (var command in _commands)
            {
                batch.BatchCommands.Add(command);
            }

            await batch.ExecuteNonQueryAsync(cancellationToken);
            _commands.Clear();
            _bytes = 0;
        }
    }
}
