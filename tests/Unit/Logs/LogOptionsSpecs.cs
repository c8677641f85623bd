using Xunit;

namespace HerokuMigrator.Unit.Logs;

public sealed class LogOptionsSpecs
{
    private static readonly DateTimeOffset Now = new(2026, 3, 4, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("90s", "2026-03-04T11:58:30Z")]
    [InlineData("1.5h", "2026-03-04T10:30:00Z")]
    [InlineData("2d", "2026-03-02T12:00:00Z")]
    [InlineData("00:15:00", "2026-03-04T11:45:00Z")]
    [InlineData("2026-03-04T05:06:07Z", "2026-03-04T05:06:07Z")]
    [InlineData("2026-03-04T05:06:07+02:00", "2026-03-04T03:06:07Z")]
    public void A_moment_is_given_as_such_or_as_so_long_ago(string text, string expected) =>
        Assert.Equal(DateTimeOffset.Parse(expected, System.Globalization.CultureInfo.InvariantCulture), LogOptions.ParseSince(text, Now));

    [Theory]
    [InlineData("")]
    [InlineData("soon")]
    [InlineData("-5m")]
    [InlineData("7")]
    [InlineData("m")]
    public void Anything_else_is_refused(string text) =>
        Assert.Equal("LogOptionInvalid", Assert.Throws<MigrationException>(() => LogOptions.ParseSince(text, Now)).ErrorId);
}
