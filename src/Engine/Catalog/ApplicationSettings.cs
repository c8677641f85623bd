using HerokuMigrator.Connections;
using Npgsql;

namespace HerokuMigrator.Catalog;

/// <summary>
/// What the application's sessions on the source resolve unqualified names by. Functions in indexes, checks, generated columns and materialized views
/// may rest on it without saying so, and pg_dump does not carry it.
/// </summary>
/// <param name="SearchPath">As SQL writes it: the schemas that exist, then those of extensions, as operators on an extension's types must be found.</param>
internal sealed record ApplicationSettings(string SearchPath, string TextSearchConfiguration)
{
    /// <summary>For the transaction at hand.</summary>
    public string SetLocal => string.Join("; ", SetLocalStatements);

    /// <summary>The same, for a batch.</summary>
    public IReadOnlyList<string> SetLocalStatements =>
        [$"SET LOCAL search_path = {SearchPath}", $"SET LOCAL default_text_search_config = {SqlName.Literal(TextSearchConfiguration)}"];

    /// <param name="source">The settings of a session that says nothing about these by itself.</param>
    public static async Task<ApplicationSettings> ReadAsync(
        ConnectionSettings source, IReadOnlyDictionary<string, string> pinned, string application, CancellationToken cancellationToken)
    {
        await using var plain = source.CreateDataSource(application, pinned, builder => builder.Pooling = false);
        await using var connection = await ConnectionErrors.OpenAsync(plain, "source", source.Address, cancellationToken);
        var schemas = await connection.ScalarAsync<string[]>(
            """
            SELECT ARRAY(SELECT s.name::text FROM (
                SELECT s, at FROM pg_catalog.unnest(pg_catalog.current_schemas(false)) WITH ORDINALITY p(s, at)
                UNION ALL
                SELECT n.nspname, 1000 FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
                UNION ALL
                SELECT 'public', 999) s(name, at)
            WHERE s.name <> 'pg_catalog' GROUP BY 1 ORDER BY min(s.at), 1)
            """,
            cancellationToken);
        var configuration = await connection.ScalarAsync<string>("SELECT pg_catalog.current_setting('default_text_search_config')", cancellationToken);
        return new ApplicationSettings(SqlName.List(schemas!.Prepend("pg_catalog")), configuration!);
    }
}
