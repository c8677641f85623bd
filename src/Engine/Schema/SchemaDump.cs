using System.Text.RegularExpressions;
using HerokuMigrator.Catalog;
using HerokuMigrator.Connections;
using HerokuMigrator.Operations;
using HerokuMigrator.Processes;
using Npgsql;

namespace HerokuMigrator.Schema;

/// <summary>Reads the source's schema by pg_dump and pg_restore, and decides when each entry is made on the target.</summary>
internal sealed partial class SchemaDump(MigrationSession session)
{
    /// <summary>What the target's role may not do, or what belongs to the platform.</summary>
    private static readonly string[] Excluded =
    [
        "--no-owner", "--no-privileges", "--no-publications", "--no-subscriptions", "--no-security-labels", "--no-tablespaces",
        "--exclude-schema=bucardo", "--exclude-schema=heroku_migrator", "--exclude-schema=_heroku",
    ];

    public Task<IReadOnlyList<SchemaEntry>> ReadAsync(IReadOnlyList<TableInfo> tables, CancellationToken cancellationToken) =>
        ReadAsync(Excluded, tables, cancellationToken);

    /// <summary>Partitions by themselves. They are attached apart from this, which brings the indexes together too.</summary>
    public async Task<IReadOnlyList<SchemaEntry>> ReadPartitionsAsync(IReadOnlyList<PartitionNode> partitions, IReadOnlyList<TableInfo> tables, CancellationToken cancellationToken) =>
        [.. (await ReadTablesAsync(partitions.Select(node => node.QualifiedName), tables, cancellationToken)).Where(entry => entry.Kind is not ("TABLE ATTACH" or "INDEX ATTACH"))];

    /// <summary>Tables by themselves, with the sequences that they own.</summary>
    public async Task<IReadOnlyList<SchemaEntry>> ReadTablesAsync(IEnumerable<string> names, IReadOnlyList<TableInfo> tables, CancellationToken cancellationToken)
    {
        var entries = await ReadAsync(
            [.. Excluded.Where(option => !option.StartsWith("--exclude-schema", StringComparison.Ordinal)), .. names.Select(name => "--table=" + name)], tables, cancellationToken);
        return [.. entries.Where(entry => !IsCapture(entry))];
    }

    /// <summary>The triggers of a capture that a killed run has left.</summary>
    private static bool IsCapture(SchemaEntry entry) => entry.Kind == "TRIGGER" && entry.Sql.Contains(" EXECUTE FUNCTION bucardo.", StringComparison.Ordinal);

    private async Task<IReadOnlyList<SchemaEntry>> ReadAsync(IReadOnlyList<string> options, IReadOnlyList<TableInfo> tables, CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("heroku-migrator-");
        try
        {
            var services = new Dictionary<string, ConnectionSettings>(StringComparer.Ordinal) { ["source"] = session.SourceSettings };
            await ConnectionSettings.WriteServiceFilesAsync(folder.FullName, services, MigrationSession.PinnedSettings, cancellationToken);
            var file = Path.Combine(folder.FullName, "schema.dump");
            await session.Runner.RunCheckedAsync(
                Command(Programs.PgDump, folder.FullName).WithArguments(["--format=custom", "--schema-only", .. options, "--file=" + file, "--dbname=service=source"]),
                cancellationToken);
            var before = await RestoreScriptAsync(folder.FullName, file, "pre-data", cancellationToken);
            var after = await RestoreScriptAsync(folder.FullName, file, "post-data", cancellationToken);
            await using var source = await session.OpenSourceAsync(cancellationToken);
            // Until the last copy the rows of a table that is copied whole are older than those of the other side.
            var deferred = new ForeignKeyTexts(await ForeignKeysOfAsync(source, [.. tables.Where(table => table.Mode == TransferMode.CopiedWhole)], cancellationToken));
            var late = LateViews(after);
            return [.. Number([.. before.Where(IsWanted).Select(part => Entry(SchemaStage.BeforeData, part)), .. after.Where(IsWanted).SelectMany(part => Staged(part, deferred, late))])];
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private async Task<IReadOnlyList<SchemaScript.Part>> RestoreScriptAsync(string folder, string file, string section, CancellationToken cancellationToken)
    {
        var output = Path.Combine(folder, section + ".sql");
        await session.Runner.RunCheckedAsync(
            Command(Programs.PgRestore, folder).WithArguments("--section=" + section, "--no-owner", "--no-privileges", "--file=" + output, file),
            cancellationToken);
        return SchemaScript.Split(await File.ReadAllTextAsync(output, cancellationToken));
    }

    private ExternalCommand Command(string program, string folder) =>
        new ExternalCommand(Programs.Find(program)).WithEnvironment(ConnectionSettings.ServiceEnvironment(folder)).WithSecrets(session.SourceSettings.Secrets);

    private static IEnumerable<SchemaEntry> Number(IEnumerable<SchemaEntry> entries) => entries.Select((entry, at) => entry with { Sequence = at + 1 });

    /// <summary>pg_dump writes "-" for the schema of what is in none.</summary>
    private static SchemaEntry Entry(SchemaStage stage, SchemaScript.Part part) =>
        new(0, stage, part.Kind, part.Schema == "-" ? part.Name : $"{part.Schema}.{part.Name}", Adapt(part));

    /// <summary>Comments on extensions need their owner; Heroku's event triggers call functions of a schema that stays behind.</summary>
    private static bool IsWanted(SchemaScript.Part part) => part.Kind switch
    {
        "COMMENT" => !part.Name.StartsWith("EXTENSION ", StringComparison.Ordinal),
        "EVENT TRIGGER" => !part.Sql.Contains(" _heroku.", StringComparison.Ordinal),
        _ => true,
    };

    private static string Adapt(SchemaScript.Part part) => part.Kind switch
    {
        "SCHEMA" => CreateSchema().Replace(part.Sql, "CREATE SCHEMA IF NOT EXISTS "),
        _ => part.Sql,
    };

    /// <summary>
    /// Materialized views that rest on a primary key (GROUP BY it, and show other columns too) come after it in the dump. Each as its indexes name it.
    /// </summary>
    private static List<string> LateViews(IReadOnlyList<SchemaScript.Part> after) =>
        [.. after.Where(part => part.Kind == "MATERIALIZED VIEW").Select(part => CreateView().Match(part.Sql)).Where(match => match.Success).Select(match => $" ON {match.Groups["name"].Value} USING ")];

    private static IEnumerable<SchemaEntry> Staged(SchemaScript.Part part, ForeignKeyTexts deferredForeignKeys, IReadOnlyList<string> lateViews)
    {
        var stage = part.Kind switch
        {
            // With the keys that such a view rests on, and before any of its own indexes.
            "CONSTRAINT" or "MATERIALIZED VIEW" => SchemaStage.Keys,
            "INDEX" when lateViews.Any(view => part.Sql.Contains(view, StringComparison.Ordinal)) => SchemaStage.AfterDrain,
            "INDEX" when part.Sql.Contains("CREATE UNIQUE INDEX ", StringComparison.Ordinal) => SchemaStage.Keys,
            "FK CONSTRAINT" when deferredForeignKeys.Name(part.Sql) => SchemaStage.UnderFence,
            // A policy would hide rows from, or refuse rows of, an applying role that cannot bypass it; an event trigger would fire at our own DDL.
            "ROW SECURITY" or "EVENT TRIGGER" => SchemaStage.UnderFence,
            // pg_dump sets apart those that are NOT VALID: rows that break them may be copied again until the last copy.
            "CHECK CONSTRAINT" => SchemaStage.UnderFence,
            _ => SchemaStage.AfterDrain,
        };
        var entry = Entry(stage, part);
        if (part.Kind == "ROW SECURITY")
        {
            yield return entry with { UndoSql = entry.Sql.Replace(" ENABLE ROW LEVEL SECURITY", " DISABLE ROW LEVEL SECURITY", StringComparison.Ordinal) };
        }
        else if (part.Kind == "CHECK CONSTRAINT")
        {
            yield return entry with { UndoSql = AddConstraint().Match(part.Sql) is { Success: true } add ? $"{add.Groups["alter"].Value} DROP CONSTRAINT {add.Groups["name"].Value};" : null };
        }
        else if (FiringSwitch().Match(part.Sql) is { Success: true } match)
        {
            // It would fire at what Bucardo writes, as that is applied with session_replication_role = replica: made now, enabled under the fence.
            var disable = $"{match.Groups["table"].Value} DISABLE {match.Groups["what"].Value};";
            yield return entry with { Sql = part.Sql[..match.Index] + disable + part.Sql[(match.Index + match.Length)..] };
            yield return entry with { Stage = SchemaStage.UnderFence, Name = entry.Name + " (enable)", Sql = match.Value, UndoSql = disable };
        }
        else
        {
            yield return entry;
        }
    }

    /// <summary>Foreign keys that touch one of these tables, each as the text by which its entry is known.</summary>
    public static Task<List<string>> ForeignKeysOfAsync(NpgsqlConnection source, IReadOnlyList<TableInfo> tables, CancellationToken cancellationToken)
    {
        return source.ListAsync(
            """
            WITH RECURSIVE touched AS (
                SELECT unnest($1::bigint[])::oid AS oid
                UNION
                SELECT i.inhparent FROM touched JOIN pg_inherits i ON i.inhrelid = touched.oid)
            SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) || E'\n    ADD CONSTRAINT ' || quote_ident(k.conname) || ' FOREIGN KEY '
            FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE k.contype = 'f' AND k.conparentid = 0 AND (k.conrelid IN (SELECT oid FROM touched) OR k.confrelid IN (SELECT oid FROM touched))
            """,
            row => row.GetString(0),
            cancellationToken,
            tables.Select(table => (long)table.Oid).ToArray());
    }

    [GeneratedRegex("^(?<table>ALTER TABLE .*) ENABLE (ALWAYS|REPLICA) (?<what>(TRIGGER|RULE) .*);$", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex FiringSwitch();

    [GeneratedRegex("^(?<alter>ALTER (TABLE|DOMAIN) .*)\n +ADD CONSTRAINT (?<name>\"([^\"]|\"\")+\"|[^ ]+) CHECK ", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex AddConstraint();

    [GeneratedRegex("^CREATE MATERIALIZED VIEW (?<name>(\"([^\"]|\"\")+\"|[^\". ]+)\\.(\"([^\"]|\"\")+\"|[^\"\\s]+))", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex CreateView();

    [GeneratedRegex("^CREATE SCHEMA (?!IF NOT EXISTS)", RegexOptions.Multiline, 1000)]
    private static partial Regex CreateSchema();
}
