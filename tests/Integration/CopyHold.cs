using HerokuMigrator.Lab;
using Npgsql;

namespace HerokuMigrator.Integration;

/// <summary>Keeps a copy from ending for as long as a spec looks at it: no table can be marked as copied meanwhile.</summary>
public sealed class CopyHold : IAsyncDisposable
{
    private readonly NpgsqlConnection _connection;

    private CopyHold(NpgsqlConnection connection) => _connection = connection;

    /// <summary>Returns once the migration copies, and stands.</summary>
    public static async Task<CopyHold> TakeAsync(LabMove move, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(TimeSpan.FromMinutes(2));
        return await WaitAndTakeAsync(move, patience.Token);
    }

    private static async Task<CopyHold> WaitAndTakeAsync(LabMove move, CancellationToken cancellationToken)
    {
        var hold = new CopyHold(new NpgsqlConnection(move.Target.AdminConnectionString));
        await hold._connection.OpenAsync(cancellationToken);
        while (!await hold.TryLockAsync(cancellationToken))
        {
            await Task.Delay(5, cancellationToken);
        }

        while (!await move.AskTargetAsync<bool>("SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'heroku_migrator.moved_table'::regclass AND NOT granted)", cancellationToken))
        {
            await Task.Delay(20, cancellationToken);
        }

        return hold;
    }

    /// <summary>Lets it go on.</summary>
    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    private async Task<bool> TryLockAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var begin = new NpgsqlCommand("BEGIN; LOCK TABLE heroku_migrator.moved_table IN SHARE MODE", _connection);
            await begin.ExecuteNonQueryAsync(cancellationToken);
            await using var planned = new NpgsqlCommand("SELECT EXISTS (SELECT FROM heroku_migrator.moved_table)", _connection);
            if (await planned.ExecuteScalarAsync(cancellationToken) is true)
            {
                return true;
            }
        }
        catch (PostgresException exception) when (exception.SqlState is PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.InvalidSchemaName)
        {
            // Not begun yet.
        }

        await using var end = new NpgsqlCommand("ROLLBACK", _connection);
        await end.ExecuteNonQueryAsync(cancellationToken);
        return false;
    }
}
