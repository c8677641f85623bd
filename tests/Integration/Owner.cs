using HerokuMigrator.Lab;
using Npgsql;

namespace HerokuMigrator.Integration;

/// <summary>SQL as the role that owns a database, so that what is made there is its own.</summary>
internal static class Owner
{
    public static async Task ExecuteAsync(LabDatabase database, string sql, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(database.ConnectionString);
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>For what an event calls: the engine stands still meanwhile.</summary>
    public static void Execute(LabDatabase database, string sql)
    {
        using var connection = new NpgsqlConnection(database.ConnectionString);
        connection.Open();
        using var command = new NpgsqlCommand(sql, connection);
        command.ExecuteNonQuery();
    }
}
