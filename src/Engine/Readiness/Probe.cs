using Npgsql;

namespace HerokuMigrator.Readiness;

/// <summary>Tries what no catalog tells, in a transaction that is always rolled back.</summary>
internal static class Probe
{
    /// <summary>Runs the statements in one transaction and takes them back.</summary>
    /// <returns>The server's refusal, or null where all of it is possible.</returns>
    /// <exception cref="PostgresException">It could not be found out in time.</exception>
    public static Task<PostgresException?> TryAsync(NpgsqlConnection connection, CancellationToken cancellationToken, params IReadOnlyList<string> statements) =>
        TryAsync(connection, () => Task.CompletedTask, cancellationToken, statements);

    /// <summary>The same; <paramref name="look"/> sees what the statements did before they are taken back.</summary>
    public static async Task<PostgresException?> TryAsync(NpgsqlConnection connection, Func<Task> look, CancellationToken cancellationToken, params IReadOnlyList<string> statements)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        try
        {
            // Nobody waits behind a probe, whatever it meets.
            await connection.ExecuteAsync("SET LOCAL lock_timeout = '1s'; SET LOCAL statement_timeout = '15s'; SET LOCAL client_min_messages = warning", cancellationToken);
            foreach (var statement in statements)
            {
                await connection.ExecuteAsync(statement, cancellationToken);
            }

            await look();
            return null;
        }
        catch (PostgresException refusal) when (refusal.SqlState is not (PostgresErrorCodes.QueryCanceled or PostgresErrorCodes.LockNotAvailable))
        {
            return refusal;
        }
        finally
        {
            await transaction.RollbackAsync(CancellationToken.None);
        }
    }
}
