using HerokuMigrator.Processes;
using Xunit;

namespace HerokuMigrator.Unit.Processes;

public sealed class RedactorSpecs
{
    private const string Secret = "p@ss:w/rd%',\"\\ é";

    [Theory]
    [InlineData("p@ss:w/rd%',\"\\ é")]
    [InlineData("p%40ss%3Aw%2Frd%25%27%2C%22%5C%20%C3%A9")]
    [InlineData("p%40ss%3aw%2frd%25%27%2c%22%5c%20%c3%a9")]
    [InlineData("p%40ss%3Aw%2Frd%25',\"\\%20%C3%A9")]
    [InlineData("p@ss:w/rd%\\',\"\\\\ é")]
    [InlineData("p@ss\\:w/rd%',\"\\\\ é")]
    [InlineData("p@ss:w/rd%'',\"\\ é")]
    [InlineData("p@ss:w/rd%',\\\"\\\\ é")]
    [InlineData("p@ss:w/rd%\\u0027,\\u0022\\\\ \\u00E9")]
    [InlineData("p@ss:w/rd%'\\'',\"\\ é")]
    public void Finds_a_secret_in_every_quoting(string form) =>
        Assert.Equal("before ******** after", Redactor.Redact($"before {form} after", [Secret]));

    [Fact]
    public void Leaves_other_text_alone() =>
        Assert.Equal("pass word", Redactor.Redact("pass word", [Secret]));

    [Fact]
    public void Of_two_secrets_the_longer_one_goes_first() =>
        Assert.Equal("x ******** y ********", Redactor.Redact("x abcdef y abc", ["abc", "abcdef"]));

    [Fact]
    public void A_secret_of_asterisks_does_not_multiply() =>
        Assert.Equal("a ******** b ********", Redactor.Redact("a xy b *", ["xy", "*"]));

    [Fact]
    public void Empty_secrets_and_none_change_nothing()
    {
        Assert.Equal("text", Redactor.Redact("text", []));
        Assert.Equal("text", Redactor.Redact("text", [""]));
    }

    [Fact]
    public void A_command_shows_no_secret()
    {
        var command = new ExternalCommand("psql").WithArguments("-c", "it's s3cret").WithSecrets("s3cret").WithInput("s3cret").WithEnvironment("PGPASSWORD", "s3cret");

        Assert.Equal("psql -c 'it'\\''s ********'", command.ToString());
    }
}
