using System.Globalization;
using System.Text.Json;
using HerokuMigrator.Capture;
using HerokuMigrator.Catalog;
using HerokuMigrator.Operations;
using HerokuMigrator.State;
using Npgsql;

namespace HerokuMigrator.Cutover;

/// <summary>A fence that stands, and what it took.</summary>
/// <param name="Record">What was there before, and since when it stands.</param>
/// <param name="Locks">The attempts.</param>
/// <param name="Blockers">Who was in the way of an attempt.</param>
internal sealed record ClosedFence(FenceRecord Record, LocksTaken Locks, IReadOnlyList<FenceBlocker> Blockers);

/// <summary>Holds writes back on the source, and lets them go again.</summary>
internal sealed class Fence(MigrationSession session)
{
    /// <summary>Short: whoever was in the way is waited for before it, without a lock.</summary>
    private static readonly TimeSpan PauseBetweenAttempts = TimeSpan.FromMilliseconds(100);

    private static readonly TimeSpan PatienceWithState = TimeSpan.FromSeconds(10);

    /// <summary>Builds the fence; what was there before is on disk and in the state first. Goes on where a run was killed.</summary>
    /// <param name="options">How long it may take.</param>
    /// <param name="clock">Its zero becomes the moment that writes were held back.</param>
    /// <param name="betweenAttemptsAsync">Done while others are in the way, and after each attempt that did not get its locks.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<ClosedFence> CloseAsync(SwitchOptions options, StepClock clock, Func<Task> betweenAttemptsAsync, CancellationToken cancellationToken)
    {
        await using var source = await session.OpenSourceAsync(cancellationToken);
        var record = await LoadAsync(cancellationToken);
        if (record is null)
        {
            record = await PrivilegeReader.ReadAsync(source, cancellationToken);
            await SaveAsync(record, cancellationToken);
        }

        else if ((await FindWritersAsync(source, record, cancellationToken)).Count == 0)
        {
            // An earlier run built it and was killed; nobody, this role included, has the right to lock any more.
            clock.SetZero();
            record = record with { FencedAt = record.FencedAt ?? DateTimeOffset.UtcNow };
            return new ClosedFence(record, new LocksTaken(0, TimeSpan.Zero), []);
        }

        var closed = record;
        DateTimeOffset heldSince = default;
        var patience = new LockPatience(TimeSpan.FromMilliseconds(options.LockTimeoutMs), TimeSpan.FromSeconds(options.TimeoutSeconds)) { LongestPause = PauseBetweenAttempts };
        var tables = TablesOf(record);
        var clearing = new FenceClearing(session, tables, options);
        await clearing.WaitAsync(source, betweenAttemptsAsync, cancellationToken);
        var locks = await patience.RunAsync(
            source,
            tables,
            async () =>
            {
                clock.SetZero();
                heldSince = DateTimeOffset.UtcNow;
                await clock.MeasureAsync("locks", () => TakeLocksAsync(source, record, options.LockTimeoutMs, cancellationToken));
                closed = await AddLargeObjectsAsync(source, record, cancellationToken);
                await clock.MeasureAsync("revoke", () => ExecuteAllAsync(source, FenceSql.Revoke(closed), cancellationToken));
            },
            async (attempt, _) =>
            {
                var blockers = await clearing.RunAsync(source, cancellationToken);
                session.Events.Warning($"The fence waits for its locks, attempt {attempt.ToString(CultureInfo.InvariantCulture)}: {blockers}.");
                await clearing.WaitAsync(source, betweenAttemptsAsync, cancellationToken);
            },
            cancellationToken);
        record = closed with { FencedAt = record.FencedAt ?? heldSince };
        session.Events.Information($"Fence closed: {record.Relations.Count} tables and sequences, {locks.Attempts} attempts.");
        return new ClosedFence(record, locks, clearing.Met);
    }

    /// <summary>The proof that nobody can write, and the record of since when; the fence is taken away where somebody can.</summary>
    public async Task ProveAsync(FenceRecord record, CancellationToken cancellationToken)
    {
        await using var source = await session.OpenSourceAsync(cancellationToken);
        var leaks = await FindWritersAsync(source, record, cancellationToken);
        if (leaks.Count > 0)
        {
            throw Errors.FenceLeaks(leaks);
        }

        await SaveAsync(record, cancellationToken);
    }

    public static IReadOnlyList<string> TablesOf(FenceRecord record) =>
        [.. record.Relations.Where(relation => !relation.IsSequence).Select(relation => SqlName.Qualify(relation.Schema, relation.Name))];

    /// <summary>All that the fence needs, within one bound; from there on it takes what it takes, and waits for nobody.</summary>
    public static async Task TakeLocksAsync(NpgsqlConnection source, FenceRecord record, int timeoutMs, CancellationToken cancellationToken)
    {
        await source.ExecuteAsync($"SET LOCAL statement_timeout = {timeoutMs.ToString(CultureInfo.InvariantCulture)}", cancellationToken);
        await ExecuteAllAsync(source, FenceSql.Lock(record), cancellationToken);
        await source.ExecuteAsync("SET LOCAL statement_timeout = 0", cancellationToken);
    }

    /// <summary>Restores exactly the recorded privileges; returns the record, or null where nothing was fenced.</summary>
    public async Task<FenceRecord?> OpenAsync(CancellationToken cancellationToken)
    {
        FenceRecord? record;
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(PatienceWithState);
        try
        {
            record = await LoadAsync(patience.Token);
        }
        catch (Exception exception) when (exception is NpgsqlException || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            // The source must not stay fenced because the target is gone, or does not answer.
            record = await LoadFromDiskAsync(cancellationToken);
        }

        if (record is not null)
        {
            await RestoreAsync(record, cancellationToken);
        }

        return record;
    }

    /// <summary>All in one transaction of the source; may be repeated.</summary>
    public async Task RestoreAsync(FenceRecord record, CancellationToken cancellationToken)
    {
        await using var source = await session.OpenSourceAsync(cancellationToken);
        await using var transaction = await source.BeginTransactionAsync(cancellationToken);
        var present = await PresentAsync(source, record, cancellationToken);
        await ExecuteAllAsync(source, present.SelectMany(FenceSql.Restore).Concat(FenceSql.RestoreRoles(record)), cancellationToken);
        var lists = await PrivilegeReader.ReadAclsAsync(source, present, cancellationToken);
        // Grants of others would be lost with the rest, and only their grantors could give them again.
        var reordered = present.Where(relation => relation.Grants.All(grant => grant.Grantor == relation.Owner)
            && !lists[relation.Oid].SequenceEqual(relation.Acl, StringComparer.Ordinal));
        await ExecuteAllAsync(source, reordered.SelectMany(FenceSql.Rebuild), cancellationToken);
        await RestoreLargeObjectsAsync(source, record, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        session.Events.Information($"Fence taken away: {present.Count} tables and sequences have their privileges back.");
    }

    /// <summary>Who can still write what the fence is to hold: tables, sequences and the large objects that it knows.</summary>
    public static async Task<List<string>> FindWritersAsync(NpgsqlConnection source, FenceRecord? record, CancellationToken cancellationToken) =>
    [
        .. await PrivilegeReader.FindWritersAsync(source, cancellationToken),
        .. record is null ? [] : await LargeObjectPrivileges.FindWritersAsync(source, record, cancellationToken),
    ];

    /// <summary>
    /// Those that were made since the record: with the tables locked, no row can come to refer to another one. Noted before the fence is committed.
    /// </summary>
    private async Task<FenceRecord> AddLargeObjectsAsync(NpgsqlConnection source, FenceRecord record, CancellationToken cancellationToken)
    {
        var known = record.LargeObjects.SelectMany(group => group.Oids).ToHashSet();
        var added = (await LargeObjectPrivileges.ReadAsync(source, cancellationToken))
            .Select(group => group with { Oids = [.. group.Oids.Where(oid => !known.Contains(oid))] }).Where(group => group.Oids.Count > 0).ToList();
        if (added.Count == 0)
        {
            return record;
        }

        var complete = record with { LargeObjects = [.. record.LargeObjects, .. added] };
        await SaveAsync(complete, cancellationToken);
        return complete;
    }

    /// <summary>As the recorded ones were, in the recorded order; in the transaction that is open.</summary>
    private static async Task RestoreLargeObjectsAsync(NpgsqlConnection source, FenceRecord record, CancellationToken cancellationToken)
    {
        if (record.LargeObjects.Count == 0)
        {
            return;
        }

        var roles = await RolesAsync(source, cancellationToken);
        var groups = record.LargeObjects.Where(group => roles.Contains(group.Owner))
            .Select(group => group with { Grants = [.. group.Grants.Where(grant => roles.Contains(grant.Grantee) && roles.Contains(grant.Grantor))] }).ToList();
        await ExecuteAllAsync(source, groups.SelectMany(LargeObjectFenceSql.Restore), cancellationToken);
        var lists = await LargeObjectPrivileges.ReadAclsAsync(source, groups.SelectMany(group => group.Oids), cancellationToken);
        var reordered = groups.Where(group => group.Grants.All(grant => grant.Grantor == group.Owner))
            .Select(group => group with { Oids = [.. group.Oids.Where(oid => lists.TryGetValue(oid, out var list) && !list.SequenceEqual(group.Acl, StringComparer.Ordinal))] });
        await ExecuteAllAsync(source, reordered.SelectMany(LargeObjectFenceSql.Rebuild), cancellationToken);
    }

    private static async Task<HashSet<string>> RolesAsync(NpgsqlConnection source, CancellationToken cancellationToken) =>
        (await source.ListAsync("SELECT rolname FROM pg_roles", row => row.GetString(0), cancellationToken)).Append("").ToHashSet(StringComparer.Ordinal);

    /// <summary>To be called once the privileges are back and the state says so too.</summary>
    public async Task ForgetAsync(CancellationToken cancellationToken)
    {
        await session.Store.ClearFenceAsync(null, cancellationToken);
        File.Delete(session.Home.FenceFile);
    }

    /// <summary>The same, together with the phase that follows.</summary>
    public async Task ForgetAsync(MigrationPhase phase, CancellationToken cancellationToken)
    {
        await session.Store.ClearFenceAsync(phase, cancellationToken);
        File.Delete(session.Home.FenceFile);
    }

    /// <summary>The state's record, or null where nothing is fenced.</summary>
    public async Task<FenceRecord?> LoadAsync(CancellationToken cancellationToken) => Parse(await session.Store.ReadFenceAsync(cancellationToken));

    /// <summary>The disk's record, for the case that the target cannot be asked.</summary>
    public async Task<FenceRecord?> LoadFromDiskAsync(CancellationToken cancellationToken) =>
        File.Exists(session.Home.FenceFile) ? Parse(await File.ReadAllTextAsync(session.Home.FenceFile, cancellationToken)) : null;

    private static FenceRecord? Parse(string? json) => json is null ? null : JsonSerializer.Deserialize<FenceRecord>(json);

    private async Task SaveAsync(FenceRecord record, CancellationToken cancellationToken)
    {
        var json = JsonSerializer.Serialize(record);
        session.Home.Create();
        await MigrationHome.WritePrivateAsync(session.Home.UndoFile, FenceSql.UndoScript(record), cancellationToken);
        await MigrationHome.WritePrivateAsync(session.Home.FenceFile, json, cancellationToken);
        await session.Store.SaveFenceAsync(json, cancellationToken);
    }

    /// <summary>As relations and columns are named now; what was dropped since, relation, column or role, cannot be granted on or to.</summary>
    private static async Task<IReadOnlyList<FencedRelation>> PresentAsync(NpgsqlConnection source, FenceRecord record, CancellationToken cancellationToken)
    {
        var rows = await source.ListAsync(
            "SELECT c.oid, n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = ANY ($1::bigint[]::oid[])",
            row => (Oid: row.GetFieldValue<uint>(0), Schema: row.GetString(1), Name: row.GetString(2)),
            cancellationToken,
            record.Relations.Select(relation => (long)relation.Oid).ToArray());
        var names = rows.ToDictionary(row => row.Oid);
        var columns = (await source.ListAsync(
            "SELECT attrelid, attnum, attname FROM pg_attribute WHERE attrelid = ANY ($1::bigint[]::oid[]) AND attnum > 0 AND NOT attisdropped",
            row => (Table: row.GetFieldValue<uint>(0), Number: row.GetInt16(1), Name: row.GetString(2)),
            cancellationToken,
            record.Relations.Where(relation => relation.ColumnGrants.Count > 0).Select(relation => (long)relation.Oid).ToArray()))
            .ToDictionary(column => (column.Table, column.Number), column => column.Name);
        var roles = await RolesAsync(source, cancellationToken);
        return
        [
            .. record.Relations.Where(relation => names.ContainsKey(relation.Oid)).Select(relation => relation with
            {
                Schema = names[relation.Oid].Schema,
                Name = names[relation.Oid].Name,
                Grants = Present(relation.Grants),
                ColumnGrants = relation.ColumnGrants.Where(grants => columns.ContainsKey((relation.Oid, relation.ColumnNumbers[grants.Key])))
                    .ToDictionary(grants => columns[(relation.Oid, relation.ColumnNumbers[grants.Key])], grants => Present(grants.Value)),
            }),
        ];

        IReadOnlyList<Grant> Present(IReadOnlyList<Grant> grants) => [.. grants.Where(grant => roles.Contains(grant.Grantee) && roles.Contains(grant.Grantor))];
    }

    /// <summary>Many statements a round trip: on a slow link, each one's would be a part of the write pause.</summary>
    private static async Task ExecuteAllAsync(NpgsqlConnection connection, IEnumerable<string> statements, CancellationToken cancellationToken)
    {
        foreach (var batch in statements.Chunk(500))
        {
            await connection.ExecuteAsync(string.Join(";\n", batch), cancellationToken);
        }
    }
}
