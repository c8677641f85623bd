using System.Globalization;

namespace HerokuMigrator.Lab;

/// <summary>Ways to copy a database that use PostgreSQL's own programs and pgcopydb, each a script that finds SOURCE, TARGET, JOBS and FOLDER in its environment.</summary>
internal static class CopyWays
{
    /// <summary>Types and tables first; extensions are there already, or belong to somebody else.</summary>
    private const string Schema = """
        set -euo pipefail
        cd "$FOLDER"
        pg_dump --format=custom --schema-only --no-owner --no-privileges --file=schema.dump "$SOURCE"
        pg_restore --list schema.dump | grep -v ' EXTENSION ' >schema.list
        pg_restore --no-owner --no-privileges --use-list=schema.list --section=pre-data --dbname="$TARGET" schema.dump

        """;

    /// <summary>
    /// What a person who knows his tables would do: each in binary, one stream a job, largest first, the large ones in ranges of blocks; then everything else by pg_restore.
    /// </summary>
    private const string Floor = Schema + """
        psql -XAtq "$SOURCE" >units <<'SQL'
        SELECT format('%I.%I', n.nspname, c.relname) || ' ' || part.at || ' ' || CASE WHEN part.at < part.of THEN pages * part.at / part.of ELSE 2147483647 END || ' ' || pages * (part.at - 1) / part.of
        FROM (SELECT c.*, pg_relation_size(c.oid) / 8192 AS pages, pg_table_size(c.oid) AS bytes FROM pg_class c WHERE c.relkind = 'r') c JOIN pg_namespace n ON n.oid = c.relnamespace
        CROSS JOIN LATERAL (SELECT at, greatest(1, least(8, pages / 16000)) AS of FROM generate_series(1, greatest(1, least(8, pages / 16000))) at) part
        WHERE n.nspname = 'public' ORDER BY bytes / part.of DESC
        SQL
        one() {
            psql -Xq "$SOURCE" -c "COPY (SELECT * FROM ONLY $1 WHERE ctid >= '($4,0)' AND ctid < '($3,0)') TO STDOUT (FORMAT binary)" | psql -Xq "$TARGET" -c "COPY $1 FROM STDIN (FORMAT binary)"
        }
        export -f one
        xargs -P "$JOBS" -L 1 bash -c 'set -euo pipefail; one "$@"' one <units
        date +%s.%N >copied
        export PGOPTIONS='-c maintenance_work_mem=256MB'
        pg_restore --jobs="$JOBS" --no-owner --no-privileges --use-list=schema.list --section=post-data --dbname="$TARGET" schema.dump
        date +%s.%N >built
        vacuumdb --analyze-only --jobs="$JOBS" --quiet --dbname="$TARGET"
        """;

    private const string Dump = """
        set -euo pipefail
        cd "$FOLDER"
        pg_dump --format=directory --compress=0 --jobs="$JOBS" --no-owner --no-privileges --file=dump "$SOURCE"
        pg_restore --list dump | grep -v ' EXTENSION ' >dump.list
        export PGOPTIONS='-c maintenance_work_mem=256MB'
        pg_restore --jobs="$JOBS" --no-owner --no-privileges --use-list=dump.list --dbname="$TARGET" dump
        vacuumdb --analyze-only --jobs="$JOBS" --quiet --dbname="$TARGET"
        """;

    /// <summary>It vacuums and analyses by itself.</summary>
    private const string PgCopyDb = """
        set -euo pipefail
        export PGOPTIONS='-c maintenance_work_mem=256MB'
        pgcopydb clone --source "$SOURCE" --target "$TARGET" --dir "$FOLDER/pgcopydb" --table-jobs "$JOBS" --index-jobs "$JOBS" --split-tables-larger-than 128MB --skip-extensions \
            --no-owner --no-acl --no-comments --skip-large-objects --not-consistent
        """;

    /// <summary>The schema with all its indexes and constraints, as the way of Bucardo wants it.</summary>
    public const string FullSchema = Schema + """
        pg_restore --no-owner --no-privileges --use-list=schema.list --section=post-data --dbname="$TARGET" schema.dump
        """;

    public static IReadOnlyDictionary<string, string> Scripts { get; } = new Dictionary<string, string> { ["floor"] = Floor, ["dump"] = Dump, ["pgcopydb"] = PgCopyDb };

    public static async Task RunAsync(string script, string sourceUrl, string targetUrl, int jobs, string folder, CancellationToken cancellationToken)
    {
        var environment = new Dictionary<string, string>
        {
            ["SOURCE"] = sourceUrl,
            ["TARGET"] = targetUrl,
            ["JOBS"] = jobs.ToString(CultureInfo.InvariantCulture),
            ["FOLDER"] = folder,
        };
        var (exitCode, output) = await LabCommand.TryRunAsync("bash", ["-c", script], environment, cancellationToken);
        if (exitCode != 0)
        {
            throw new LabException($"A way to copy ended with {exitCode}:\n{output[..Math.Min(output.Length, 4000)]}");
        }
    }
}
