using System.Text.RegularExpressions;
using Xunit;

namespace HerokuMigrator.Unit.Documentation;

public sealed partial class CheckSpecs
{
    [Fact]
    public void Every_check_has_its_own_heading_in_the_docs_and_nothing_else_has_one()
    {
        var headings = HeadingPattern().Matches(File.ReadAllText(Path.Combine(ErrorIdSpecs.Root, "docs", "checks.md"))).Select(match => match.Groups["id"].Value).ToList();
        Assert.Equal(Migrator.ReadinessCheckIds.Order(StringComparer.Ordinal), headings.Order(StringComparer.Ordinal));
    }

    [GeneratedRegex("^### (?<id>.+)$", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex HeadingPattern();
}
