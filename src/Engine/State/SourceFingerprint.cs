using Npgsql;

namespace HerokuMigrator.State;

/// <summary>Tells one source database from another, through whatever host name it is reached.</summary>
internal static class SourceFingerprint
{
    public static async Task<string> ReadAsync(NpgsqlConnection source, CancellationToken cancellationToken)
    {
        var database = await source.ScalarAsync<string>("SELECT oid::text || '/' || datname FROM pg_database WHERE datname = current_database()", cancellationToken);
        // Not every service lets its customers call this one.
        var permitted = await source.ScalarAsync<bool>("SELECT has_function_privilege('pg_control_system()', 'EXECUTE')", cancellationToken);
        return permitted ? database + "/" + await source.ScalarAsync<long>("SELECT system_identifier FROM pg_control_system()", cancellationToken) : database!;
    }
}
