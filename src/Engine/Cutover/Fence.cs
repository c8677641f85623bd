using System.Globalization;
using System.Text.Json;
using HerokuMigrator.Capture;
using HerokuMigrator.Catalog;
using HerokuMigrator.Operations;
using HerokuMigrator.State;
using Npgsql;

namespace HerokuMigrator.Cutover;

/// <summary>Holds writes back on the source, and lets them go again.</summary>
internal sealed class Fence(MigrationSession session)
{
    /// <summary>Builds the fence; what was there before is on disk and in the state first. Goes on where a run was killed.</summary>
    public async Task<(FenceRecord Record, int Attempts)> CloseAsync(SwitchOptions options, CancellationToken cancellationToken)
    {
        await using var source = await session.OpenSourceAsync(cancellationToken);
        var record = await LoadAsync(cancellationToken);
        if (record is null)
        {
            record = await PrivilegeReader.ReadAsync(source, cancellationToken);
            await SaveAsync(record, cancellationToken);
        }

        DateTimeOffset heldSince = default;
        var patience = new LockPatience(TimeSpan.FromMilliseconds(options.LockTimeoutMs), TimeSpan.FromSeconds(options.TimeoutSeconds));
        var tables = record.Relations.Where(relation => !relation.IsSequence).Select(relation => SqlName.Qualify(relation.Schema, relation.Name)).ToList();
        var attempts = await patience.RunAsync(
            source,
            tables,
            async () =>
            {
                heldSince = DateTimeOffset.UtcNow;
                await source.ExecuteAsync($"SET LOCAL statement_timeout = {options.LockTimeoutMs.ToString(CultureInfo.InvariantCulture)}", cancellationToken);
                await ExecuteAllAsync(source, FenceSql.Lock(record), cancellationToken);
                // All locks are held: from here on it takes what it takes, and waits for nobody.
                await source.ExecuteAsync("SET LOCAL statement_timeout = 0", cancellationToken);
                await ExecuteAllAsync(source, FenceSql.Revoke(record), cancellationToken);
            },
            (attempt, blockers) =>
            {
                session.Events.Warning($"The fence waits for its locks, attempt {attempt.ToString(CultureInfo.InvariantCulture)}: {blockers}.");
                return Task.CompletedTask;
            },
            cancellationToken);
        var leaks = await PrivilegeReader.FindWritersAsync(source, cancellationToken);
        if (leaks.Count > 0)
        {
            throw Errors.FenceLeaks(leaks);
        }

        record = record with { FencedAt = record.FencedAt ?? heldSince };
        await SaveAsync(record, cancellationToken);
        session.Events.Information($"Fence closed: {record.Relations.Count} tables and sequences, {attempts} attempts.");
        return (record, attempts);
    }

    /// <summary>Restores exactly the recorded privileges, in one transaction; returns the record, or null where nothing was fenced.</summary>
    public async Task<FenceRecord?> OpenAsync(CancellationToken cancellationToken)
    {
        var record = await LoadAsync(cancellationToken);
        if (record is null)
        {
            return null;
        }

        await using var source = await session.OpenSourceAsync(cancellationToken);
        await using var transaction = await source.BeginTransactionAsync(cancellationToken);
        var present = await PresentAsync(source, record, cancellationToken);
        foreach (var relation in present)
        {
            await ExecuteAllAsync(source, FenceSql.Restore(relation), cancellationToken);
            var acl = await PrivilegeReader.ReadAclAsync(source, relation, cancellationToken);
            // Grants of others would be lost with the rest, and only their grantors could give them again.
            if (!acl.SequenceEqual(relation.Acl, StringComparer.Ordinal) && relation.Grants.All(grant => grant.Grantor == relation.Owner))
            {
                await ExecuteAllAsync(source, FenceSql.Rebuild(relation), cancellationToken);
            }
        }

        await ExecuteAllAsync(source, FenceSql.RestoreRoles(record), cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        session.Events.Information($"Fence taken away: {present.Count} tables and sequences have their privileges back.");
        return record;
    }

    /// <summary>To be called once the privileges are back and the state says so too.</summary>
    public async Task ForgetAsync(CancellationToken cancellationToken)
    {
        await session.Store.ClearFenceAsync(cancellationToken);
        File.Delete(session.Home.FenceFile);
    }

    /// <summary>The state's record; the disk's, where the target cannot be asked.</summary>
    public async Task<FenceRecord?> LoadAsync(CancellationToken cancellationToken)
    {
        string? json;
        try
        {
            json = await session.Store.ReadFenceAsync(cancellationToken);
        }
        catch (NpgsqlException) when (File.Exists(session.Home.FenceFile))
        {
            json = await File.ReadAllTextAsync(session.Home.FenceFile, cancellationToken);
        }

        return json is null ? null : JsonSerializer.Deserialize<FenceRecord>(json);
    }

    private async Task SaveAsync(FenceRecord record, CancellationToken cancellationToken)
    {
        var json = JsonSerializer.Serialize(record);
        session.Home.Create();
        await MigrationHome.WritePrivateAsync(session.Home.UndoFile, FenceSql.UndoScript(record), cancellationToken);
        await MigrationHome.WritePrivateAsync(session.Home.FenceFile, json, cancellationToken);
        await session.Store.SaveFenceAsync(json, cancellationToken);
    }

    /// <summary>What was dropped since cannot be granted on.</summary>
    private static async Task<IReadOnlyList<FencedRelation>> PresentAsync(NpgsqlConnection source, FenceRecord record, CancellationToken cancellationToken)
    {
        var oids = await source.ListAsync(
            "SELECT oid FROM pg_class WHERE oid = ANY ($1::bigint[]::oid[])", row => row.GetFieldValue<uint>(0), cancellationToken, record.Relations.Select(relation => (long)relation.Oid).ToArray());
        var known = oids.ToHashSet();
        return [.. record.Relations.Where(relation => known.Contains(relation.Oid))];
    }

    private static async Task ExecuteAllAsync(NpgsqlConnection connection, IEnumerable<string> statements, CancellationToken cancellationToken)
    {
        foreach (var sql in statements)
        {
            await connection.ExecuteAsync(sql, cancellationToken);
        }
    }
}
