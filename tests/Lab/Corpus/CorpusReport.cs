using System.Globalization;
using System.Text;

namespace HerokuMigrator.Lab;

/// <summary>Writes docs/readiness-of-the-corpus.md: names and figures, never a schema's text.</summary>
internal static class CorpusReport
{
    private const string Head = """
        # The corpus: what was foretold, and what was met
        Written by the lab; do not edit. Schemas that real applications run, each filled with awkward rows, are moved one after the other with this engine
        while writers change every table: they insert, update, delete and change keys, whatever the table. Contents, sequences and objects of both sides are then
        compared by the lab's own means, and the source's footprint with the one before.

        Again, on a Debian machine where the corpus lies beside the checkout (`../shared/corpus`, not part of this repository):
        ```
        apt-get install python3-psycopg2 postgresql-15-postgis-3 postgresql-15-partman
        ./build.sh
        dotnet out/lab/HerokuMigrator.Lab.dll corpus --all --out docs/readiness-of-the-corpus.md
        dotnet out/lab/HerokuMigrator.Lab.dll corpus --schema brandur__rocket-rides-atomic      # one of them; several with commas
        ```

        - **before**: the verdict of the readiness report, with the checks that warned or blocked and how many objects each named.
        - **statements**: what the writers committed on the source while it moved, about 60 a second asked for; what a constraint or trigger refused is not counted.
        - **write pause**: `WritePauseMs` of the switch, on a machine that was not idle; no claim about speed.
        - **surprises**: warnings, errors and differences that the move met and that no warning of the report named by that object.
          `pg_stat_statements` is left out wherever the target's role is no superuser; the report says so in a note, which is not counted here.
        - **blocked** counts as right where a restore of `pg_dump --schema-only` by the target's role is refused too and the remedy is enough for the move to go through;
          what is met then is held against the report of before and the one after the remedy.
        - What the lab does to the source so that it is one that could exist: rows whose foreign keys point nowhere get a row to refer to, or are taken out.
          Materialized views of the source are refreshed before the comparison, as the writers left them behind; one that the source itself refuses to refresh then is not compared.
        - The same schemas showed what the engine and the checks were mended for. That all is foretold says something about these schemas, less about others.

        """;

    public static string Write(IReadOnlyList<CorpusResult> results)
    {
        var text = new StringBuilder(Head).Append('\n');
        text.Append(Summary(results)).Append("\n\n");
        text.Append("| schema | tables | rows | before | statements | write pause, ms | outcome | surprises |\n|---|--:|--:|---|--:|--:|---|--:|\n");
        foreach (var result in results)
        {
            text.Append(CultureInfo.InvariantCulture,
                $"| {result.Schema} | {result.Tables} | {result.Rows:N0} | {Before(result)} | {result.Statements:N0} | {result.WritePauseMs:N0} | {(result.IsEqual ? "equal" : "**not equal**")} | {result.Surprises.Count()} |\n");
        }

        AppendSection(text, "Blocked, mended, moved", results.Where(result => result.Report is { IsReady: false }).Select(Blocked));
        AppendSection(text, "Surprises", results.SelectMany(result => result.Surprises.Select(surprise => $"{result.Schema}: {Shorten(surprise.ToString())}")));
        AppendSection(text, "Met, and foretold", results.SelectMany(result => result.Met.Except(result.Surprises).Where(met => met.Object != "pg_stat_statements").Select(met => $"{result.Schema}: {Shorten(met.ToString())}")));
        return text.ToString();
    }

    private static string Summary(IReadOnlyList<CorpusResult> results)
    {
        var pauses = results.Where(result => result.WritePauseMs is not null).Select(result => result.WritePauseMs!.Value).Order().ToList();
        var pauseText = pauses.Count == 0 ? "" : $"; write pauses {pauses[0]:N0} ms at the least, {pauses[pauses.Count / 2]:N0} in the median, {pauses[^1]:N0} at the most";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"**{results.Count(result => result.IsEqual)} of {results.Count} schemas moved and equal**, {results.Count(result => !result.Surprises.Any())} with all that they met foretold: "
            + $"{results.Sum(result => result.Tables):N0} tables, {results.Sum(result => result.Rows):N0} rows, {results.Sum(result => result.Statements):N0} statements committed meanwhile{pauseText}.");
    }

    private static string Before(CorpusResult result) => result.Report is not { } report
        ? "no report"
        : $"{report.Verdict}: " + string.Join(", ", report.Checks.Where(check => check.Status >= CheckStatus.Warning).Select(check => $"{check.Id}{(check.Objects.Count > 0 ? $" {check.Objects.Count}" : "")}"));

    private static string Blocked(CorpusResult result) =>
        $"{result.Schema}: {string.Join(", ", result.Report!.Checks.Where(check => check.Status == CheckStatus.Blocked).Select(check => check.Id + " " + string.Join(", ", check.Objects)))}. "
        + (result.DumpErrors.Count == 0 ? "A restore of pg_dump's schema met nothing. " : $"A restore of pg_dump's schema met {result.DumpErrors.Count} errors, the first: {result.DumpErrors[0]}. ")
        + $"Remedy: {(result.Remedies.Count == 0 ? "none was SQL" : string.Join("; ", result.Remedies))}.";

    private static void AppendSection(StringBuilder text, string title, IEnumerable<string> lines)
    {
        text.Append("\n## ").Append(title).Append('\n');
        foreach (var line in lines.DefaultIfEmpty("none"))
        {
            text.Append("- ").Append(line.ReplaceLineEndings(" ").Replace("|", "\\|", StringComparison.Ordinal)).Append('\n');
        }
    }

    private static string Shorten(string text) => text.Length <= 300 ? text : text[..300] + " …";
}
