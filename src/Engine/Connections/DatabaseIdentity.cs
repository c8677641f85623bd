using System.Security.Cryptography;
using Npgsql;

namespace HerokuMigrator.Connections;

/// <summary>Which database on which running server a connection has reached, whatever name it was reached by.</summary>
public sealed record DatabaseIdentity
{
    public required string DatabaseName { get; init; }

    public required long DatabaseOid { get; init; }

    /// <summary>When the server was started: the same through every address of it.</summary>
    public required DateTimeOffset ServerStartedAt { get; init; }

    /// <summary>Of the cluster's files; physical copies (followers, forks) share it with their origin. Null where the role may not see it.</summary>
    public string? SystemIdentifier { get; init; }

    /// <summary>A follower: it can be read only.</summary>
    public required bool IsInRecovery { get; init; }

    /// <summary>For instance 150020.</summary>
    public required int ServerVersion { get; init; }

    /// <summary>Reads it without any privilege beyond CONNECT.</summary>
    public static async Task<DatabaseIdentity> ReadAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(connection);

        // The function is called by its name in a string only where the privilege is there: else the whole statement would fail.
        const string Sql = """
            SELECT current_database(), d.oid::bigint, pg_postmaster_start_time(), pg_is_in_recovery(), current_setting('server_version_num')::int,
                   has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')
            FROM pg_catalog.pg_database d WHERE d.datname = current_database()
            """;
        DatabaseIdentity identity;
        bool maySeeIdentifier;
        await using (var command = new NpgsqlCommand(Sql, connection))
        await using (var reader = await command.ExecuteReaderAsync(cancellationToken))
        {
            await reader.ReadAsync(cancellationToken);
            identity = new DatabaseIdentity
            {
                DatabaseName = reader.GetString(0),
                DatabaseOid = reader.GetInt64(1),
                ServerStartedAt = reader.GetFieldValue<DateTimeOffset>(2),
                IsInRecovery = reader.GetBoolean(3),
                ServerVersion = reader.GetInt32(4),
            };
            maySeeIdentifier = reader.GetBoolean(5);
        }

        if (!maySeeIdentifier)
            return identity;
        await using var control = new NpgsqlCommand("SELECT system_identifier::text FROM pg_catalog.pg_control_system()", connection);
        return identity with { SystemIdentifier = (string?)await control.ExecuteScalarAsync(cancellationToken) };
    }

    /// <summary>
    /// Whether two connections have reached the same database, by proof: an advisory lock that one takes is in the other's way.
    /// Right through sockets, TCP, aliases and proxies, for forks and followers, and without privileges. Neither connection may be in a transaction.
    /// </summary>
    public static async Task<bool> IsSameDatabaseAsync(NpgsqlConnection a, NpgsqlConnection b, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        if (ReferenceEquals(a, b))
            return true;

        var (first, second) = (await ReadAsync(a, cancellationToken), await ReadAsync(b, cancellationToken));
        if (first.DatabaseOid != second.DatabaseOid || first.DatabaseName != second.DatabaseName || first.ServerStartedAt != second.ServerStartedAt || first.IsInRecovery != second.IsInRecovery)
            return false;

        // Two servers of one physical copy could have been started in the same microsecond. Nobody else takes this key by chance.
        // Locks of a transaction, not of a session: they hold through a pooler that shares sessions.
        var key = BitConverter.ToInt64(RandomNumberGenerator.GetBytes(sizeof(long)));
        await using var holder = await a.BeginTransactionAsync(cancellationToken);
        if (!await TryLockAsync(a, key, cancellationToken))
            throw new InvalidOperationException("A random advisory lock was taken already.");
        await using var prober = await b.BeginTransactionAsync(cancellationToken);
        return !await TryLockAsync(b, key, cancellationToken);
    }

    private static async Task<bool> TryLockAsync(NpgsqlConnection connection, long key, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT pg_catalog.pg_try_advisory_xact_lock($1)", connection) { Parameters = { new() { Value = key } } };
        return (bool)(await command.ExecuteScalarAsync(cancellationToken))!;
    }
}
