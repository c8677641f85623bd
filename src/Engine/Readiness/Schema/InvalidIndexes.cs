using System.Text.RegularExpressions;

namespace HerokuMigrator.Readiness;

internal sealed partial class InvalidIndexes : IReadinessCheck
{
    public string Id => nameof(InvalidIndexes);

    public string Group => CheckGroup.Schema;

    public string Title => "Every index of the source is valid";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        var found = await CatalogQuestions.RelationsAsync(source, "c.relkind = 'i' AND EXISTS (SELECT FROM pg_index i WHERE i.indexrelid = c.oid AND NOT (i.indisvalid AND i.indisready AND i.indislive))", cancellationToken);
        return found.Count == 0
            ? Finding.Pass("Every index of the source is valid.")
            : Finding.Warning(
                $"{FindingText.Count(found.Count, "index is", "indexes are")} invalid: {FindingText.Several(found)}.",
                "The remains of a CREATE INDEX CONCURRENTLY that failed, or one that is being built now: such an index is not made on the target, and its table cannot be replayed by it.",
                FindingText.Statements(found.Select(Remedy)) + "\n-- on the source; or DROP INDEX, where it is not needed",
                found);
    }

    /// <summary>What a REINDEX CONCURRENTLY that failed has left beside the index that it was to replace cannot be mended.</summary>
    private static string Remedy(string index) =>
        LeftBesidePattern().IsMatch(index) ? $"DROP INDEX CONCURRENTLY {index}" : $"REINDEX INDEX CONCURRENTLY {index}";

    [GeneratedRegex("_cc(new|old)[0-9]*\"$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex LeftBesidePattern();
}
