using HerokuMigrator.Reporting;
using Xunit;

namespace HerokuMigrator.Unit.Reporting;

public sealed class RemedyTextSpecs
{
    [Theory]
    [InlineData("ALTER TABLE \"public\".\"a name of many words in it\" REPLICA IDENTITY FULL;")]
    [InlineData("SELECT pg_terminate_backend(1) FROM pg_stat_activity WHERE application_name = 'one two three four';")]
    [InlineData("DO $do$ BEGIN PERFORM 1; END $do$ LANGUAGE plpgsql; SELECT 1, 2, 3, 4, 5;")]
    [InlineData("COMMENT ON TABLE t IS E'it''s a long comment with \"quotes\" in it';")]
    public void A_long_statement_is_broken_outside_of_quotes_only(string statement)
    {
        var lines = RemedyText.Lines(statement, 40);
        Assert.True(lines.Count > 1);
        Assert.Equal(statement, string.Join(' ', lines));
        Assert.All(lines, line => Assert.True(line.Count(character => character == '"') % 2 == 0 && line.Count(character => character == '\'') % 2 == 0, line));
    }

    [Theory]
    [InlineData("-- on the target, as a superuser, once nobody is connected there any more")]
    [InlineData("ALTER ROLE app BYPASSRLS; -- on the target, as a superuser, once nobody is there any more")]
    public void What_was_a_comment_is_still_one_on_each_line(string remedy)
    {
        var lines = RemedyText.Lines(remedy, 40);
        Assert.True(lines.Count > 2 || remedy.StartsWith("--", StringComparison.Ordinal));
        Assert.All(lines, line => Assert.True(line.Length <= 40, line));
        Assert.All(lines.Where(line => line != "ALTER ROLE app BYPASSRLS;"), line => Assert.StartsWith("-- ", line, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("heroku pg:credentials:url DATABASE_URL --name default --app an-application-of-mine")]
    [InlineData("Stop-Migration -Name a-rather-long-name -SourceUrl $env:HEROKU_URL -AbandonTarget")]
    public void A_command_stays_on_its_line(string command) => Assert.Equal([command], RemedyText.Lines(command, 40));

    [Fact]
    public void An_apostrophe_within_prose_opens_no_quote() =>
        Assert.Equal(["Make the database anew with the source's", "locale, or see that it doesn't matter."], RemedyText.Lines("Make the database anew with the source's locale, or see that it doesn't matter.", 40));

    [Fact]
    public void Lines_that_fit_are_left_alone() => Assert.Equal(["DROP TABLE a;", "", "  DROP TABLE b;"], RemedyText.Lines("DROP TABLE a;\r\n\n  DROP TABLE b;", 40));
}
