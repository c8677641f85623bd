using HerokuMigrator.Catalog;
using HerokuMigrator.Copy;
using HerokuMigrator.State;
using Npgsql;

namespace HerokuMigrator.Operations;

/// <summary>
/// Tables that the replay alone does not make right: rows were changed under keys that Bucardo cannot carry, or columns were rewritten,
/// which no trigger sees; or there is no key to replay by. They are copied again.
/// </summary>
internal sealed class StaleTables(MigrationSession session)
{
    /// <summary>
    /// The file of a table's rows, and the versions of its columns' rows in the catalog. ALTER COLUMN TYPE … USING changes both;
    /// VACUUM FULL, CLUSTER and TRUNCATE change the file alone, SET NOT NULL or GRANT the columns alone.
    /// </summary>
    private const string VersionSql = """
        pg_relation_filenode(c.oid)::text || '/' || (
            SELECT md5(string_agg(a.attnum::text || ':' || a.xmin::text, ',' ORDER BY a.attnum)) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0)
        """;

    /// <summary>
    /// The same for a table that is copied whole, with all that it inherits from or is a partition of: between an ATTACH and a DETACH it may have been written
    /// through a relation that has no triggers of ours, and both change the columns' rows.
    /// </summary>
    private const string FamilyVersionSql = """
        pg_relation_filenode(c.oid)::text || '/' || (
            WITH RECURSIVE up AS (SELECT c.oid AS oid UNION SELECT i.inhparent FROM up JOIN pg_inherits i ON i.inhrelid = up.oid)
            SELECT md5(string_agg(a.attrelid::text || ':' || a.attnum::text || ':' || a.xmin::text, ',' ORDER BY a.attrelid, a.attnum))
            FROM pg_attribute a WHERE a.attrelid IN (SELECT oid FROM up) AND a.attnum > 0)
        """;

    private readonly Replication _replication = new(session);

    /// <summary>To be read before the rows are: a change between the two comes to one copy too many, not to one too few.</summary>
    public static Task<string?> ReadVersionAsync(NpgsqlConnection source, TableInfo table, CancellationToken cancellationToken) =>
        source.ScalarAsync<string>($"SELECT {(table.Mode == TransferMode.Replayed ? VersionSql : FamilyVersionSql)} FROM pg_class c WHERE c.oid = to_regclass($1)", cancellationToken, table.QualifiedName);

    /// <summary>Replayed tables with changes that could not be captured by key.</summary>
    public static async Task<IReadOnlyList<TableInfo>> MarkedAsync(NpgsqlConnection source, IReadOnlyList<TableInfo> replayed, CancellationToken cancellationToken)
    {
        var marks = await Capture.DeltaBacklog.ReadRecopyMarksAsync(source, cancellationToken);
        return [.. replayed.Where(table => marks.Contains((table.Schema, table.Name)))];
    }

    /// <summary>Replayed tables whose columns were rewritten since their last copy.</summary>
    public async Task<IReadOnlyList<TableInfo>> RewrittenAsync(NpgsqlConnection source, CancellationToken cancellationToken)
    {
        var rows = (await session.Store.ReadTablesAsync(cancellationToken)).Where(row => row.Table.Mode == TransferMode.Replayed).ToList();
        var now = await ReadVersionsAsync(source, VersionSql, rows, cancellationToken);
        return
        [
            .. rows.Where(row => row.SourceVersion is not null && now.TryGetValue(row.Table.Oid, out var version) && IsRewrite(row.SourceVersion, version)).Select(row => row.Table),
        ];
    }

    /// <summary>Tables without a usable key, but for those of which it is certain that they are as they were copied. It stays so only under the fence.</summary>
    public async Task<IReadOnlyList<TableInfo>> KeylessAsync(NpgsqlConnection source, CancellationToken cancellationToken)
    {
        var rows = (await session.Store.ReadTablesAsync(cancellationToken)).Where(row => row.Table.Mode == TransferMode.CopiedWhole).ToList();
        if (rows.Count == 0)
        {
            return [];
        }

        var unwritten = await Capture.WriteMarks.FindUnwrittenAsync(source, rows.Select(row => row.Table), cancellationToken);
        var now = await ReadVersionsAsync(source, FamilyVersionSql, rows, cancellationToken);
        return [.. rows.Where(row => !(row.Copied && unwritten.Contains(row.Table.Oid) && IsSame(row))).Select(row => row.Table)];

        bool IsSame(TableRow row) => row.SourceVersion is { Length: > 0 } version && now.GetValueOrDefault(row.Table.Oid) == version;
    }

    private static async Task<Dictionary<uint, string>> ReadVersionsAsync(NpgsqlConnection source, string versionSql, IEnumerable<TableRow> rows, CancellationToken cancellationToken) =>
        (await source.ListAsync(
            $"SELECT c.oid, {versionSql} FROM pg_class c WHERE c.oid = ANY ($1::bigint[]::oid[])",
            row => (Oid: row.GetFieldValue<uint>(0), Version: row.IsDBNull(1) ? "" : row.GetString(1)),
            cancellationToken,
            rows.Select(row => (long)row.Table.Oid).ToArray())).ToDictionary(row => row.Oid, row => row.Version);

    public async Task<IReadOnlyList<TableInfo>> FindAsync(IReadOnlyList<TableInfo> replayed, CancellationToken cancellationToken)
    {
        await using var source = await session.OpenSourceAsync(cancellationToken);
        return [.. (await MarkedAsync(source, replayed, cancellationToken)).UnionBy(await RewrittenAsync(source, cancellationToken), table => table.Oid)];
    }

    /// <summary>Copies these again while writes go on; the daemon is stopped for it, and runs when this returns.</summary>
    public async Task RecopyAsync(IReadOnlyList<TableInfo> stale, IReadOnlyList<TableInfo> replayed, CancellationToken cancellationToken)
    {
        await _replication.StopDaemonAsync(cancellationToken);
        await RecopyAsync(stale, cancellationToken);
        await _replication.EnsureRunningAsync(replayed, cancellationToken);
    }

    /// <summary>The same; no daemon runs, before or after.</summary>
    public async Task RecopyAsync(IReadOnlyList<TableInfo> stale, CancellationToken cancellationToken)
    {
        await using var source = await session.OpenSourceAsync(cancellationToken);
        // The marks that this statement sees are of changes that the copies, begun after it, see too. They are gone once the copies are there.
        await using var transaction = await source.BeginTransactionAsync(cancellationToken);
        await source.ExecuteAsync(
            "DELETE FROM heroku_migrator.recopy WHERE (schema_name, table_name) IN (SELECT * FROM unnest($1::text[], $2::text[]))",
            cancellationToken, stale.Select(table => table.Schema).ToArray(), stale.Select(table => table.Name).ToArray());
        await new TableCopier(session).CopyAsync(stale, 0, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    /// <summary>For a sync whose last run has failed: copies the tables with uncarried changes again, if there are any; true where it did.</summary>
    public async Task<bool> MendAsync(string fault, IReadOnlyList<TableInfo> replayed, CancellationToken cancellationToken)
    {
        IReadOnlyList<TableInfo> marked;
        await using (var source = await session.OpenSourceAsync(cancellationToken))
        {
            marked = await MarkedAsync(source, replayed, cancellationToken);
        }

        if (marked.Count == 0)
        {
            return false;
        }

        session.Events.Warning($"A run of the sync failed ({fault}); tables with keys that it cannot carry are copied again: {string.Join(", ", marked)}.");
        await RecopyAsync(marked, replayed, cancellationToken);
        return true;
    }

    private static bool IsRewrite(string before, string now)
    {
        var (old, current) = (before.Split('/'), now.Split('/'));
        return old.Length == 2 && current.Length == 2 && old[0] != current[0] && old[1] != current[1];
    }
}
