using HerokuMigrator.Catalog;
using Npgsql;

namespace HerokuMigrator.Readiness;

/// <summary>Indexes of one kind, and whether a constraint makes them: those are made one after the other, the others side by side.</summary>
/// <param name="Method">btree, gin, gist …</param>
/// <param name="OfConstraint">A primary key, a unique or an exclusion constraint.</param>
/// <param name="Count">Number of them.</param>
/// <param name="Bytes">All of them.</param>
/// <param name="LargestBytes">The largest of them.</param>
/// <param name="TableBytes">The heaps that are read to make them.</param>
internal sealed record IndexFigures(string Method, bool OfConstraint, long Count, double Bytes, double LargestBytes, double TableBytes);

/// <summary>Foreign keys, each of which is validated by a pass over its rows.</summary>
/// <param name="UnderFence">They touch a table that is copied whole, so they wait for the fence.</param>
/// <param name="Count">Number of them.</param>
/// <param name="Rows">Rows of the referencing tables, once for each key.</param>
internal sealed record ForeignKeyFigures(bool UnderFence, long Count, double Rows);

/// <summary>What the catalog of the source tells of the work to come beside its tables. Waits half a second at most for a lock.</summary>
internal sealed record SchemaFigures
{
    private const string MeasuredSize = "pg_relation_size(i.indexrelid)";
    private const string NotedSize = "(x.relpages * current_setting('block_size')::int8)";

    /// <summary>A key of a partitioned table is one entry of the schema, and its rows are those of the leaves.</summary>
    private const string ForeignKeysSql = $"""
        WITH RECURSIVE whole AS (
            SELECT unnest($1::bigint[])::oid AS oid
            UNION
            SELECT i.inhparent FROM whole JOIN pg_inherits i ON i.inhrelid = whole.oid)
        SELECT w.oid IS NOT NULL OR f.oid IS NOT NULL, count(*) FILTER (WHERE k.conparentid = 0),
               coalesce(sum(greatest(c.reltuples, 0)) FILTER (WHERE c.relkind = 'r'), 0)::float8
        FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        LEFT JOIN whole w ON w.oid = k.conrelid LEFT JOIN whole f ON f.oid = k.confrelid
        WHERE k.contype = 'f' AND {UserObjects.RelationFilter}
        GROUP BY 1
        """;

    private const string CountsSql = $"""
        SELECT count(*) FILTER (WHERE c.relkind IN ('r', 'p', 'S')), count(*) FILTER (WHERE c.relkind = 'r' AND c.relrowsecurity),
               count(*) FILTER (WHERE c.relkind = 'r' AND c.oid IN (
                   SELECT l.relation FROM pg_locks l WHERE l.mode = 'AccessExclusiveLock' AND l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())))
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {UserObjects.RelationFilter}
        """;

    private const string IndexedRowsSql =
        "SELECT coalesce(sum(greatest(c.reltuples, 0)), 0)::float8 FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE i.indrelid = ANY ($1::bigint[]::oid[])";

    public required IReadOnlyList<IndexFigures> Indexes { get; init; }

    /// <summary>Rows of the tables that are copied whole, once for each of their indexes: under the fence these are there already.</summary>
    public required double WholeIndexedRows { get; init; }

    public required IReadOnlyList<ForeignKeyFigures> ForeignKeys { get; init; }

    /// <summary>Tables, partitioned parents and sequences: what a fence takes privileges on.</summary>
    public required long FencedRelations { get; init; }

    public required long RowSecurityTables { get; init; }

    /// <summary>Tables that another session keeps from all others, from being measured too.</summary>
    public required long LockedTables { get; init; }

    /// <param name="source">Any session of the source.</param>
    /// <param name="whole">The tables that are copied whole.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public static async Task<SchemaFigures> ReadAsync(NpgsqlConnection source, IEnumerable<TableInfo> whole, CancellationToken cancellationToken)
    {
        var oids = whole.Select(table => (long)table.Oid).ToArray();
        var keys = await source.ListAsync(
            ForeignKeysSql, row => new ForeignKeyFigures(row.GetBoolean(0), row.GetInt64(1), row.GetDouble(2)), cancellationToken, oids);
        var (relations, policies, locked) = (await source.ListAsync(CountsSql, row => (row.GetInt64(0), row.GetInt64(1), row.GetInt64(2)), cancellationToken)).Single();
        return new SchemaFigures
        {
            Indexes = await IndexesAsync(source, cancellationToken),
            WholeIndexedRows = await source.ScalarAsync<double>(IndexedRowsSql, cancellationToken, oids),
            ForeignKeys = keys,
            FencedRelations = relations,
            RowSecurityTables = policies,
            LockedTables = locked,
        };
    }

    /// <summary>The server opens an index to measure it; where it is locked, what the last VACUUM or ANALYZE wrote down has to do.</summary>
    private static async Task<List<IndexFigures>> IndexesAsync(NpgsqlConnection source, CancellationToken cancellationToken)
    {
        await using var transaction = await source.BeginTransactionAsync(cancellationToken);
        await source.ExecuteAsync("SET LOCAL lock_timeout = '500ms'", cancellationToken);
        try
        {
            return await IndexesAsync(source, MeasuredSize, cancellationToken);
        }
        catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.LockNotAvailable)
        {
            await transaction.RollbackAsync(cancellationToken);
            return await IndexesAsync(source, NotedSize, cancellationToken);
        }
    }

    private static Task<List<IndexFigures>> IndexesAsync(NpgsqlConnection source, string size, CancellationToken cancellationToken) =>
        source.ListAsync(
            $"""
            SELECT amname, of_constraint, count(*), sum(bytes)::float8, max(bytes)::float8, sum(table_bytes)::float8
            FROM (
                SELECT m.amname, k.conindid IS NOT NULL AS of_constraint, coalesce({size}, 0) AS bytes, c.relpages * current_setting('block_size')::int8 AS table_bytes
                FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = x.relam
                JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
                LEFT JOIN pg_constraint k ON k.conrelid = i.indrelid AND k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')
                WHERE c.relkind = 'r' AND {UserObjects.RelationFilter}) one
            GROUP BY 1, 2
            """,
            row => new IndexFigures(row.GetString(0), row.GetBoolean(1), row.GetInt64(2), row.GetDouble(3), row.GetDouble(4), row.GetDouble(5)),
            cancellationToken);
}
