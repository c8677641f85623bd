using System.Globalization;
using System.Text;

namespace HerokuMigrator.Lab;

/// <summary>Writes docs/corpus.md: names and figures, never a schema's text.</summary>
public static class CorpusTable
{
    private const string Head = """
        # The corpus: every schema, moved whole
        Written by `./build.sh test-corpus`; do not edit. Schemas that real applications run are filled with awkward rows and moved, several at a time: start, live writes, switch,
        comparison, complete. Both ways in are those of roles that are no superuser, one as on Heroku, one as on PlanetScale.
        What of it the readiness report foretold stands in [readiness-of-the-corpus.md](readiness-of-the-corpus.md).

        Again, on Debian, where the corpus lies beside the checkout (`../shared/corpus`, not part of this repository):
        ```
        ./build.sh test-corpus
        ```
        It gets what the schemas need with apt (`python3-psycopg2`, PostGIS, pg_partman), fails where the corpus or an extension is missing, and writes this file.
        `./build.sh test` moves a few of them, and says so where it cannot. One alone, with all that it met: `dotnet out/lab/HerokuMigrator.Lab.dll corpus --schema NAME`.

        - **tables**: relations with rows of their own that were compared: plain tables, partitions, materialized views.
        - **without key**: tables that no key lets be replayed, and how many of them were copied under the fence, as they had been written.
        - **rows**: those of the comparison, after the switch.
        - **writes**: statements that writers committed on the source while it moved: inserts, updates, changes of a key, deletes. They go round all tables, those without a key and partitioned
          ones included; what a constraint or trigger of the schema refuses is not counted.
        - **outcome**: *equal* means that rows, sequences and objects of both sides are the same by the lab's own comparison, that `Complete-Migration` ended well, and that the source's
          `pg_dump --schema-only` and privileges are those of before.
        - **write pause**: `WritePauseMs` of the switch while other schemas moved beside it on the same processors, and whatever else the machine did. No claim about speed; see [performance.md](performance.md).

        """;

    /// <param name="schemas">All that were to be moved, whether there is a result or not.</param>
    public static string Write(IReadOnlyList<CorpusSchema> schemas, IReadOnlyList<CorpusResult> results, TimeSpan duration, int atATime)
    {
        var text = new StringBuilder(Head).Append('\n');
        var pauses = results.Where(result => result.WritePauseMs is not null).Select(result => result.WritePauseMs!.Value).Order().ToList();
        text.Append(CultureInfo.InvariantCulture,
            $"**{results.Count(IsWell)} of {schemas.Count} schemas moved and equal**, {results.Sum(result => result.Tables):N0} tables, {results.Sum(result => result.Rows):N0} rows, {results.Sum(result => result.Statements):N0} writes meanwhile: {Kinds(results)}. ");
        text.Append(CultureInfo.InvariantCulture,
            $"{results.Sum(result => result.KeylessWritten):N0} tables without any key and {results.Sum(result => result.PartitionsWritten):N0} partitioned tables and partitions were among those written. ");
        text.Append(pauses.Count == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"Write pauses: {pauses[0]:N0} ms at the least, {pauses[pauses.Count / 2]:N0} in the median, {pauses[^1]:N0} at the most. "));
        text.Append(CultureInfo.InvariantCulture, $"The run took {(int)duration.TotalMinutes} min {duration.Seconds} s with {atATime} at a time on {Environment.ProcessorCount} processors.\n\n");
        text.Append("| schema | tables | without key | rows | writes | outcome | write pause, ms |\n|---|--:|--:|--:|--:|---|--:|\n");
        foreach (var schema in schemas)
        {
            text.Append(Row(schema, results.FirstOrDefault(result => result.Schema.Name == schema.Name))).Append('\n');
        }

        return text.ToString();
    }

    /// <summary>Equal, clean, and nothing met that the report had not foretold.</summary>
    public static bool IsWell(CorpusResult result) => result.IsEqual && !result.Surprises.Any();

    private static string Row(CorpusSchema schema, CorpusResult? result) => result is null
        ? $"| {schema} | | | | | **did not run** | |"
        : string.Create(
            CultureInfo.InvariantCulture,
            $"| {schema} | {result.Tables} | {Keyless(result)} | {result.Rows:N0} | {result.Statements:N0} | {Outcome(result)} | {result.WritePauseMs:N0} |");

    private static string Keyless(CorpusResult result) => result.CopiedWhole == 0 ? "0" : $"{result.CopiedWhole}, {result.CopiedUnderFence} copied";

    private static string Outcome(CorpusResult result) => (result.IsEqual, result.Surprises.Count()) switch
    {
        (true, 0) when result.Remedies.Count > 0 => "equal, after the remedy that was told",
        (true, 0) => "equal",
        (true, var surprises) => $"**equal, but {surprises} not foretold**",
        _ => "**not equal**",
    };

    private static string Kinds(IReadOnlyList<CorpusResult> results) =>
        string.Join(", ", new[] { ("insert", "inserts"), ("update", "updates"), ("key", "changes of a key"), ("delete", "deletes") }
            .Select(kind => string.Create(CultureInfo.InvariantCulture, $"{results.Sum(result => result.Kinds.GetValueOrDefault(kind.Item1)):N0} {kind.Item2}")));
}
