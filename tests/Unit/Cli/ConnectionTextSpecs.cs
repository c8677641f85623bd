using HerokuMigrator.Cli;
using Xunit;

namespace HerokuMigrator.Unit.Cli;

public sealed class ConnectionTextSpecs
{
    [Theory]
    [InlineData("postgres://app:s3cret@host/db", "postgres://app:***@host/db")]
    [InlineData("postgres://app:s3c@ret/?@host/db", "postgres://app:***@host/db")]
    [InlineData("host=h password=s3cret user=u", "host=h password=*** user=u")]
    [InlineData(@"host=h password='s3 c\'ret' user=u", "host=h password=*** user=u")]
    [InlineData("postgres://host/db?password=s3cret&sslmode=require", "postgres://host/db?password=***&sslmode=require")]
    [InlineData("Unrecognized argument 'postgres://app:s3cret@host/db'.", "Unrecognized argument 'postgres://app:***@host/db'.")]
    public void No_password_is_left_in_a_text_that_is_shown(string text, string shown) =>
        Assert.Equal(shown, ConnectionText.Hide(text));

    [Theory]
    [InlineData("postgres://app:s3cret@host/db", true)]
    [InlineData("host=h PASSWORD = s3cret", true)]
    [InlineData("postgres://app@host/db", false)]
    [InlineData("env:HEROKU_URL", false)]
    [InlineData(null, false)]
    public void A_password_in_the_argument_list_is_noticed(string? value, bool shows) =>
        Assert.Equal(shows, ConnectionText.ShowsPassword(value));

    [Fact]
    public void A_connection_is_read_from_a_file_without_its_line_end()
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, "postgres://app:s3cret@host/db\n");
            Assert.Equal("postgres://app:s3cret@host/db", ConnectionText.Read($"file:{path}", "--source"));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Theory]
    [InlineData("env:NO_SUCH_VARIABLE_HERE")]
    [InlineData("file:/no/such/file")]
    public void A_connection_that_cannot_be_read_is_named_by_its_option(string value)
    {
        var exception = Assert.Throws<MigrationException>(() => ConnectionText.Read(value, "--target"));
        Assert.Equal("ConnectionUnreadable", exception.ErrorId);
        Assert.Equal("--target", exception.Subject);
    }
}
