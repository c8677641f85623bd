using HerokuMigrator.Reporting;
using Xunit;

namespace HerokuMigrator.Unit.Reporting;

public sealed class ReportTextSpecs
{
    private static readonly ReportStyle Plain = new() { Width = 80, PassedAt = ".Checks", InventoryAt = ".Inventory" };

    [Fact]
    public void The_worst_comes_first_what_passed_is_counted_and_the_verdict_is_last()
    {
        var lines = Show(Reports.Of(
            Reports.Check("Fine", CheckStatus.Pass), Reports.Check("Odd", CheckStatus.Warning, "Odd thing.", "FIX odd;"),
            Reports.Check("Bad", CheckStatus.Blocked, "Bad thing.", "FIX bad;"), Reports.Check("Told", CheckStatus.Note, "Told thing.", "NOT shown;")));

        Assert.Equal(
            ["Blocked Bad     Bad thing.", "Warning Odd     Odd thing.", "Note    Told    Told thing.", "Pass    1 check See .Checks."],
            lines.Where(line => line.StartsWith("Blocked", StringComparison.Ordinal) || line.Contains("thing.", StringComparison.Ordinal) || line.StartsWith("Pass", StringComparison.Ordinal)));
        Assert.Equal(["FIX bad;", "FIX odd;"], lines.Where(line => line.EndsWith(';')));
        Assert.Equal("shop: blocked; 1 blocked, 1 warning, 1 note, 1 passed.", lines[^1]);
    }

    [Theory]
    [InlineData(80)]
    [InlineData(150)]
    public void No_line_is_wider_than_the_terminal(int width)
    {
        var finding = string.Join("; ", Enumerable.Range(1, 30).Select(number => $"\"Back Office\".\"table {number} 表\""));
        var report = Reports.Of(Reports.Check("SomethingLong", CheckStatus.Blocked, finding, "-- " + finding, finding)) with
        {
            Estimate = Reports.Estimate with { Copy = new EstimatedTime { Seconds = 1, Basis = finding } },
            Inventory = Reports.Inventory,
            LeftOut = [.. Migrator.ReadinessCheckIds],
        };
        var lines = Show(report, Plain with { Width = width });
        Assert.All(lines, line => Assert.True(TextWrap.Cells(line) < width, line));
        Assert.Contains(lines, line => TextWrap.Cells(line) > width - 30);
    }

    [Fact]
    public void Without_a_terminal_nothing_is_wrapped()
    {
        var finding = new string('x', 300) + " end";
        Assert.Contains(Show(Reports.Of(Reports.Check("Long", CheckStatus.Note, finding)), Plain with { Width = int.MaxValue }), line => line.EndsWith(finding, StringComparison.Ordinal));
    }

    [Fact]
    public void The_estimate_says_how_long_and_from_what()
    {
        var lines = Show(Reports.Of(Reports.Check("Fine", CheckStatus.Pass)) with { Estimate = Reports.Estimate, Inventory = Reports.Inventory });
        Assert.Contains("Copy        3 min 20 s 2.1 GB of rows at 11 MB/s", lines);
        Assert.Contains("Indexes     1 min 5 s  900 MB of indexes", lines);
        Assert.Contains("Write pause 0.4 s      12 ms to the source", lines);
        Assert.Contains("PostgreSQL 13.14 -> PostgreSQL 17.2; 2 extensions, 4 settings that differ, 6", lines);
        Assert.Equal("shop: ready; 1 passed.", lines[^1]);
    }

    [Fact]
    public void Without_an_estimate_and_an_inventory_nothing_is_said_of_them()
    {
        var text = string.Join('\n', Show(Reports.Of(Reports.Check("Fine", CheckStatus.Pass))));
        Assert.DoesNotContain("Reckoned", text, StringComparison.Ordinal);
        Assert.DoesNotContain(".Inventory", text, StringComparison.Ordinal);
    }

    [Fact]
    public void What_was_left_out_is_told() =>
        Assert.Contains("Left out, so the verdict knows nothing of them: One, Two.", Show(Reports.Of(Reports.Check("Fine", CheckStatus.Pass)) with { LeftOut = ["One", "Two"] }));

    [Fact]
    public void A_name_cannot_act_on_the_terminal()
    {
        var text = string.Join('\n', Show(Reports.Of(Reports.Check("Odd", CheckStatus.Warning, "a\e[2Jb", "DROP TABLE \"a\e[2Jb\";", "a\u009bb"))));
        Assert.DoesNotContain('\e', text);
        Assert.DoesNotContain('\u009b', text);
        Assert.Contains("a␛[2Jb", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Colours_change_no_width_and_end_where_they_began()
    {
        var report = Reports.Of(Reports.Check("Bad", CheckStatus.Blocked, remedy: "FIX bad;"), Reports.Check("Fine", CheckStatus.Pass));
        var coloured = Show(report, Plain with { Red = "{", Green = "{", Yellow = "{", Bold = "{", Reset = "}" });
        Assert.All(coloured, line => Assert.Equal(line.Count(character => character == '{'), line.Count(character => character == '}')));
        Assert.Contains("{Blocked} Bad     Found.", coloured);
        Assert.Equal(Show(report), coloured.Select(line => line.Replace("{", "", StringComparison.Ordinal).Replace("}", "", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData(0, "0.0 s")]
    [InlineData(0.42, "0.4 s")]
    [InlineData(9.96, "10 s")]
    [InlineData(59.4, "59 s")]
    [InlineData(59.7, "1 min")]
    [InlineData(3599, "59 min 59 s")]
    [InlineData(7500, "2 h 5 min")]
    [InlineData(172_800, "2 d")]
    [InlineData(double.PositiveInfinity, "11574074 d 1 h")]
    public void Durations_read_as_people_say_them(double seconds, string text) => Assert.Equal(text, DurationText.Of(seconds));

    private static IReadOnlyList<string> Show(ReadinessReport report, ReportStyle? style = null) => [.. ReportText.Lines(report, style ?? Plain)];
}
