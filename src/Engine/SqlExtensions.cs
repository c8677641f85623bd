using System.Data;
using Npgsql;

namespace HerokuMigrator;

/// <summary>Short forms for one statement, parameters by position ($1, $2 …).</summary>
internal static class SqlExtensions
{
    /// <summary>Rows that one INSERT takes: over a slow link each statement costs its way there and back.</summary>
    public const int RowsAStatement = 1000;

    public static async Task<int> ExecuteAsync(this NpgsqlConnection connection, string sql, CancellationToken cancellationToken, params object?[] parameters)
    {
        await using var command = Command(connection, sql, parameters);
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>
    /// Statements as pg_restore prints them, in the transaction that is open. Npgsql would cut the text at semicolons, which a function body
    /// of BEGIN ATOMIC … END does not survive; the server itself parses it here.
    /// </summary>
    public static async Task ExecuteScriptAsync(this NpgsqlConnection connection, string script, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(connection) { Timeout = 0 };
        batch.AddScript(script);
        await batch.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>The same, as a part of a batch.</summary>
    public static void AddScript(this NpgsqlBatch batch, string script)
    {
        batch.BatchCommands.Add(new NpgsqlBatchCommand("SELECT set_config('heroku_migrator.script', $1, true)") { Parameters = { new NpgsqlParameter { Value = script } } });
        batch.BatchCommands.Add(new NpgsqlBatchCommand("DO 'BEGIN EXECUTE current_setting(''heroku_migrator.script''); END'"));
    }

    public static async Task<T?> ScalarAsync<T>(this NpgsqlConnection connection, string sql, CancellationToken cancellationToken, params object?[] parameters)
    {
        await using var command = Command(connection, sql, parameters);
        var value = await command.ExecuteScalarAsync(cancellationToken);
        return value is null or DBNull ? default : (T)value;
    }

    public static async Task<List<T>> ListAsync<T>(
        this NpgsqlConnection connection, string sql, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken, params object?[] parameters)
    {
        await using var command = Command(connection, sql, parameters);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<T>();
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add(read(reader));
        }

        return rows;
    }

    private static NpgsqlCommand Command(NpgsqlConnection connection, string sql, object?[] parameters)
    {
        if (connection.State != ConnectionState.Open)
        {
            // Npgsql calls it an invalid operation, which nobody who can go on after a lost connection would take for one.
            throw new NpgsqlException("The connection has been lost.");
        }

        var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        foreach (var value in parameters)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value ?? DBNull.Value });
        }

        return command;
    }
}
