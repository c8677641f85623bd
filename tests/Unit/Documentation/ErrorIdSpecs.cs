using System.Text.RegularExpressions;
using Xunit;

namespace HerokuMigrator.Unit.Documentation;

public sealed partial class ErrorIdSpecs
{
    internal static readonly string Root = FindRoot();

    [Fact]
    public void Every_error_id_of_the_code_is_explained_and_nothing_else_is()
    {
        var raised = Ids(SourceFiles(), RaisedPattern());
        var explained = Ids([Path.Combine(Root, "docs", "errors.md")], ExplainedPattern());
        Assert.True(raised.Count > 40, $"Only {raised.Count} ids were found in the code; this spec no longer sees how it raises errors.");
        Assert.Equal([], raised.Except(explained, StringComparer.Ordinal));
        Assert.Equal([], explained.Except(raised, StringComparer.Ordinal));
    }

    [Fact]
    public void No_error_id_is_explained_twice()
    {
        var text = File.ReadAllText(Path.Combine(Root, "docs", "errors.md"));
        Assert.Equal([], ExplainedPattern().Matches(text).GroupBy(match => match.Groups["id"].Value).Where(group => group.Count() > 1).Select(group => group.Key));
    }

    [Fact]
    public void Every_error_says_when_it_comes_and_which_command_or_step_is_next()
    {
        var rows = RowPattern().Matches(File.ReadAllText(Path.Combine(Root, "docs", "errors.md")));
        Assert.True(rows.Count > 70, $"Only {rows.Count} rows were found.");
        Assert.Equal([], rows.Where(row => row.Groups["when"].Value.Length < 20 || !NextStepPattern().IsMatch(row.Groups["then"].Value)).Select(row => row.Groups["id"].Value));
    }

    private static SortedSet<string> Ids(IEnumerable<string> files, Regex pattern) =>
        new(files.SelectMany(file => pattern.Matches(File.ReadAllText(file))).Select(match => match.Groups["id"].Value), StringComparer.Ordinal);

    private static IEnumerable<string> SourceFiles() =>
        Directory.EnumerateFiles(Path.Combine(Root, "src"), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Split(Path.DirectorySeparatorChar).Any(part => part is "bin" or "obj"));

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "HerokuMigrator.sln")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException($"HerokuMigrator.sln lies nowhere above {AppContext.BaseDirectory}.");
    }

    /// <summary>An id is followed by its kind; one whose kind is computed stands first in a call that makes an exception.</summary>
    [GeneratedRegex("""(?:"(?<id>[A-Z][A-Za-z]+)",\s*ErrorKind\.|\b(?:new(?: MigrationException)?|Refusal)\(\s*"(?<id>[A-Z][A-Za-z]+)",\s*inner\.)""", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex RaisedPattern();

    /// <summary>The first column of a table's row.</summary>
    [GeneratedRegex("^\\| `(?<id>[A-Z][A-Za-z]+)`", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex ExplainedPattern();

    [GeneratedRegex(@"^\| `(?<id>\w+)`[^|]*\|[^|]*\| (?<when>[^|]*) \| (?<then>[^|]*) \|$", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex RowPattern();

    /// <summary>Something to type, or the same command once more.</summary>
    [GeneratedRegex("`[^`]+`|command again", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex NextStepPattern();
}
