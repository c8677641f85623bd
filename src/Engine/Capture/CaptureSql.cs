using HerokuMigrator.Catalog;

namespace HerokuMigrator.Capture;

/// <summary>
/// The SQL of the capture objects of one table. Names and shapes are those that Bucardo looks for, so that it creates none itself
/// (it would do so for all tables in one transaction); what differs is why this is our own, see docs/decisions/0002-capture.md.
/// </summary>
internal static class CaptureSql
{
    /// <summary>
    /// Unique for each transaction. Bucardo's own default, now(), loses rows: it marks changes done by equality of txntime,
    /// and two transactions may begin in the same microsecond.
    /// </summary>
    private const string UniqueTransactionTime =
        "'epoch'::timestamptz + (pg_current_xact_id()::text)::float8 * interval '1 microsecond'";

    /// <summary>Nothing analyses these tables otherwise, and a stale plan makes the delta query quadratic.</summary>
    private const string UpkeepSettings =
        "(autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 2000, autovacuum_vacuum_scale_factor = 0.1, autovacuum_vacuum_threshold = 5000)";

    /// <summary>What exists once for all tables; each statement may be repeated.</summary>
    public static IEnumerable<string> SharedObjects()
    {
        yield return "CREATE SCHEMA IF NOT EXISTS bucardo";
        yield return "CREATE SCHEMA IF NOT EXISTS heroku_migrator";
        yield return """
            CREATE TABLE IF NOT EXISTS bucardo.bucardo_truncate_trigger (
                tablename OID NOT NULL, sname TEXT NOT NULL, tname TEXT NOT NULL, sync TEXT NOT NULL,
                replicated TIMESTAMPTZ NULL, cdate TIMESTAMPTZ NOT NULL DEFAULT now())
            """;
        yield return "CREATE INDEX IF NOT EXISTS bucardo_truncate_trigger_index ON bucardo.bucardo_truncate_trigger (sync, tablename) WHERE replicated IS NULL";
        yield return "CREATE TABLE IF NOT EXISTS heroku_migrator.sentinel (id integer PRIMARY KEY, mark text NOT NULL)";
        yield return """
            CREATE TABLE IF NOT EXISTS heroku_migrator.recopy (
                schema_name text NOT NULL, table_name text NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp())
            """;
        yield return "CREATE TABLE IF NOT EXISTS heroku_migrator.pulse (one boolean PRIMARY KEY DEFAULT true CHECK (one), at timestamptz NOT NULL)";
        yield return WriteMarks.FunctionSql;
    }

    /// <summary>The tables, indexes and functions of one table's capture: none of these locks the table against writers.</summary>
    public static IEnumerable<string> Objects(TableInfo table)
    {
        var names = CaptureNames.For(table);
        var delta = CaptureNames.InBucardo(names.Delta);
        var track = CaptureNames.InBucardo(names.Track);
        var keys = SqlName.List(table.Key);
        yield return $"CREATE TABLE {delta} AS SELECT {keys}, now()::timestamptz AS txntime, now() AS {CaptureNames.CapturedAtColumn} FROM ONLY {table.QualifiedName} LIMIT 0";
        yield return $"ALTER TABLE {delta} ALTER txntime SET NOT NULL, ALTER txntime SET DEFAULT {UniqueTransactionTime}, "
            + $"ALTER {CaptureNames.CapturedAtColumn} SET DEFAULT clock_timestamp(), SET {UpkeepSettings}";
        yield return $"CREATE INDEX {SqlName.Quote(names.TimeIndex)} ON {delta} (txntime)";
        yield return $"CREATE INDEX {SqlName.Quote(names.KeyIndex)} ON {delta} ({keys})";
        yield return $"CREATE TABLE {track} (txntime timestamptz, target text) WITH {UpkeepSettings}";
        yield return $"CREATE INDEX {SqlName.Quote(names.TrackIndex)} ON {track} (target text_pattern_ops, txntime)";
        yield return $"CREATE UNLOGGED TABLE {CaptureNames.InBucardo(names.Stage)} (txntime timestamptz, target text)";
        yield return Function(names.Delta, DeltaBody(table, delta));
        yield return Function(names.TruncateFunction, table.ReferencedByOthers ? LogKeysBody(table, delta) : NoteTruncationBody);
    }

    /// <summary>The triggers: each takes SHARE ROW EXCLUSIVE on the table, so they come last.</summary>
    public static IEnumerable<string> Triggers(TableInfo table)
    {
        var names = CaptureNames.For(table);
        yield return $"CREATE TRIGGER {CaptureNames.DeltaTrigger} AFTER INSERT OR UPDATE OR DELETE ON {table.QualifiedName} "
            + $"FOR EACH ROW EXECUTE FUNCTION {CaptureNames.InBucardo(names.Delta)}()";
        yield return $"CREATE TRIGGER {CaptureNames.TruncateTrigger} {(table.ReferencedByOthers ? "BEFORE" : "AFTER")} TRUNCATE ON {table.QualifiedName} "
            + $"FOR EACH STATEMENT EXECUTE FUNCTION {CaptureNames.InBucardo(names.TruncateFunction)}()";
    }

    /// <summary>Names of the triggers that <see cref="Triggers"/> makes.</summary>
    public static IReadOnlyList<string> TriggerNames { get; } = [CaptureNames.DeltaTrigger, CaptureNames.TruncateTrigger];

    private static string Function(string name, string body) =>
        $"CREATE FUNCTION {CaptureNames.InBucardo(name)}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER "
        + $"SET search_path = pg_catalog, pg_temp SET extra_float_digits = 3 AS {SqlName.Literal(body)}";

    private static string DeltaBody(TableInfo table, string delta)
    {
        var log = (string row) => LogKey(table, delta, row);
        var changed = string.Join(" OR ", table.Key.Select(column => $"OLD.{SqlName.Quote(column)}::text <> NEW.{SqlName.Quote(column)}::text"));
        return $"""

            BEGIN
              IF TG_OP <> 'INSERT' THEN
                {log("OLD")}
              END IF;
              IF TG_OP = 'INSERT' THEN
                {log("NEW")}
              ELSIF TG_OP = 'UPDATE' THEN
                IF {changed} THEN
                  {log("NEW")}
                END IF;
              END IF;
              RETURN NULL;
            END
            """;
    }

    private static string LogKey(TableInfo table, string delta, string row)
    {
        var insert = $"INSERT INTO {delta} VALUES ({string.Join(", ", table.Key.Select(column => $"{row}.{SqlName.Quote(column)}"))});";
        return AwkwardKey(table, row) is { } awkward
            ? $"IF {awkward} THEN {MarkForRecopy(table)} ELSE {insert} END IF;"
            : insert;
    }

    /// <summary>
    /// Keys that Bucardo 5.6.0 gets wrong by their value: an empty text as the only key is dropped from a batch over statement_chunk_size,
    /// a backslash in a composite key is escaped wrongly and stops the sync for ever.
    /// </summary>
    public static string? AwkwardKey(TableInfo table, string row)
    {
        var texts = table.Columns.Where(column => table.Key.Contains(column.Name) && IsText(column)).Select(column => $"{row}.{SqlName.Quote(column.Name)}::text").ToList();
        if (texts.Count == 0)
        {
            return null;
        }

        return table.Key.Count == 1
            ? texts[0] + " = ''"
            : string.Join(" OR ", texts.Select(text => $"strpos({text}, chr(92)) > 0"));
    }

    /// <summary>bytea travels as base64 where it is the type itself, so it is no text here.</summary>
    public static bool IsText(ColumnInfo column) => column.BaseTypeKind == 'e' || column.BaseTypeName is "text" or "varchar" or "bpchar" or "citext" or "name";

    private static string MarkForRecopy(TableInfo table) =>
        $"INSERT INTO heroku_migrator.recopy (schema_name, table_name) VALUES ({SqlName.Literal(table.Schema)}, {SqlName.Literal(table.Name)});";

    private const string NoteTruncationBody = $"""

        BEGIN
          INSERT INTO bucardo.bucardo_truncate_trigger (tablename, sname, tname, sync)
          VALUES (TG_RELID, TG_TABLE_SCHEMA, TG_TABLE_NAME, '{CaptureNames.SyncName}');
          RETURN NULL;
        END
        """;

    /// <summary>
    /// Bucardo replays TRUNCATE as a plain TRUNCATE of one table, which the target refuses where a foreign key points to it;
    /// there the rows go one by one instead.
    /// </summary>
    private static string LogKeysBody(TableInfo table, string delta)
    {
        var keys = string.Join(", ", table.Key.Select(column => "t." + SqlName.Quote(column)));
        var awkward = AwkwardKey(table, "t");
        var mark = awkward is null ? "" : $"IF EXISTS (SELECT FROM ONLY {table.QualifiedName} t WHERE {awkward}) THEN {MarkForRecopy(table)} END IF;";
        var others = awkward is null ? "" : $" WHERE NOT ({awkward})";
        return $"""

            BEGIN
              {mark}
              IF current_setting('transaction_isolation') <> 'read committed' THEN
                -- Rows that were committed after this transaction's snapshot are truncated too, and not to be seen here.
                {MarkForRecopy(table)}
              END IF;
              INSERT INTO {delta} SELECT {keys} FROM ONLY {table.QualifiedName} t{others};
              RETURN NULL;
            END
            """;
    }
}
