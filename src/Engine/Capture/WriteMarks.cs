using HerokuMigrator.Catalog;
using HerokuMigrator.State;
using Npgsql;

namespace HerokuMigrator.Capture;

/// <summary>
/// Tells which tables without a usable key were written since their triggers were made. Each has a sequence that its first writer moves:
/// that waits for nobody, leaves no row behind, conflicts with no serializable transaction, and is never taken back, so a writer that found it moved
/// need do nothing. A statement's triggers are those of the relation that it names, so a table's ancestors have them too.
/// </summary>
internal sealed class WriteMarks(NpgsqlDataSource source, IOperationEvents events)
{
    private const string WriteTrigger = "heroku_migrator_written";
    private const string TruncateTrigger = "heroku_migrator_truncated";
    private const string Function = "heroku_migrator.note_write()";
    private const string SequencePrefix = "heroku_migrator.written_";

    /// <summary>Each of the tables with itself and all that it inherits from or is a partition of, and what there is on these.</summary>
    private const string RelationsSql = $"""
        WITH RECURSIVE up AS (
            SELECT t AS member, t AS oid FROM unnest($1::bigint[]::oid[]) t
            UNION
            SELECT up.member, i.inhparent FROM up JOIN pg_inherits i ON i.inhrelid = up.oid)
        SELECT up.member, c.oid, n.nspname, c.relname, c.relkind IN ('r', 'p'),
               ARRAY(SELECT t.tgname::text FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname IN ('{WriteTrigger}', '{TruncateTrigger}')),
               to_regclass('{SequencePrefix}' || c.oid) IS NOT NULL AND 2 = (
                   SELECT count(*) FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname IN ('{WriteTrigger}', '{TruncateTrigger}')
                   AND t.tgenabled IN ('O', 'A') AND t.tgfoid = to_regprocedure('{Function}')),
               c.relpersistence = 'p' AND pg_sequence_last_value(to_regclass('{SequencePrefix}' || c.oid)) IS NULL
        FROM up JOIN pg_class c ON c.oid = up.oid JOIN pg_namespace n ON n.oid = c.relnamespace
        ORDER BY n.nspname, c.relname
        """;

    /// <summary>
    /// Made once for all. Where the database is a copy of the source the sequence of this oid is missing, and nothing is noted;
    /// both functions called are strict.
    /// </summary>
    public const string FunctionSql = $"""
        CREATE OR REPLACE FUNCTION {Function} RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
        DECLARE
          mark regclass := to_regclass('{SequencePrefix}' || TG_RELID);
        BEGIN
          IF pg_sequence_last_value(mark) IS NULL THEN
            PERFORM nextval(mark);
          END IF;
          RETURN NULL;
        END
        $body$
        """;

    /// <param name="Member">The table whose rows are written through this relation.</param>
    /// <param name="Triggers">Those of our names, in whatever state.</param>
    /// <param name="Watched">Nothing is written without being noted.</param>
    /// <param name="Unwritten">Nothing was noted, and no crash empties the table.</param>
    private sealed record Relation(uint Member, uint Oid, string Schema, string Name, bool TakesTriggers, IReadOnlyList<string> Triggers, bool Watched, bool Unwritten)
    {
        public string QualifiedName => SqlName.Qualify(Schema, Name);

        public string Sequence => SequenceOf(Oid);
    }

    /// <summary>The mark of the table of this oid, its schema before it.</summary>
    public static string SequenceOf(uint oid) => SequencePrefix + oid.ToString(System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>One relation a transaction. Repeatable; a table that was copied before its triggers came counts as written.</summary>
    public async Task InstallAsync(IReadOnlyList<TableRow> keyless, CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        var copied = keyless.Where(row => row.Copied).Select(row => row.Table.Oid).ToHashSet();
        var relations = (await ReadAsync(connection, keyless.Select(row => row.Table), cancellationToken)).GroupBy(relation => relation.Oid).ToList();
        var done = 0;
        foreach (var relation in relations)
        {
            var one = relation.First();
            if (one is { Watched: false, TakesTriggers: true })
            {
                await InstallAsync(connection, one, relation.Any(covered => copied.Contains(covered.Member)), cancellationToken);
            }

            events.Progress(new OperationProgress("Installing the marks of tables without a usable key", one.QualifiedName, ++done * 100 / relations.Count));
        }
    }

    /// <summary>Those of the tables that nobody has written since their triggers were made, neither directly nor through another relation.</summary>
    public static async Task<IReadOnlySet<uint>> FindUnwrittenAsync(NpgsqlConnection source, IEnumerable<TableInfo> keyless, CancellationToken cancellationToken) =>
        (await ReadAsync(source, keyless, cancellationToken)).GroupBy(relation => relation.Member)
            .Where(relations => relations.All(relation => relation is { Watched: true, Unwritten: true })).Select(relations => relations.Key).ToHashSet();

    private static Task<List<Relation>> ReadAsync(NpgsqlConnection source, IEnumerable<TableInfo> keyless, CancellationToken cancellationToken) => source.ListAsync(
        RelationsSql,
        row => new Relation(
            row.GetFieldValue<uint>(0), row.GetFieldValue<uint>(1), row.GetString(2), row.GetString(3), row.GetBoolean(4), row.GetFieldValue<string[]>(5), row.GetBoolean(6), row.GetBoolean(7)),
        cancellationToken,
        keyless.Select(table => (long)table.Oid).ToArray());

    private async Task InstallAsync(NpgsqlConnection connection, Relation relation, bool isCopied, CancellationToken cancellationToken)
    {
        try
        {
            await CaptureInstaller.Transactions(connection, events, cancellationToken).RunAsync(new ShortTransaction(relation.QualifiedName, [.. Statements(relation, isCopied)]), cancellationToken);
        }
        catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            // An ancestor of another owner.
            events.Verbose($"{relation.QualifiedName} takes no trigger ({exception.MessageText}): the tables without a usable key below it are copied under the fence whether they were written or not.");
        }
    }

    private static IEnumerable<string> Statements(Relation relation, bool isCopied)
    {
        yield return $"CREATE SEQUENCE IF NOT EXISTS {relation.Sequence}";
        foreach (var (trigger, changes) in new[] { (WriteTrigger, "INSERT OR UPDATE OR DELETE"), (TruncateTrigger, "TRUNCATE") })
        {
            if (!relation.Triggers.Contains(trigger, StringComparer.Ordinal))
            {
                yield return $"CREATE TRIGGER {trigger} AFTER {changes} ON {relation.QualifiedName} FOR EACH STATEMENT EXECUTE FUNCTION {Function}";
            }
        }

        if (isCopied)
        {
            yield return $"SELECT nextval({SqlName.Literal(relation.Sequence)})";
        }
    }
}
