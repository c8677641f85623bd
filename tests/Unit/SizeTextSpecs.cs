using Xunit;

namespace HerokuMigrator.Unit;

public sealed class SizeTextSpecs
{
    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(812, "812 B")]
    [InlineData(999.6, "1.0 kB")]
    [InlineData(1_234, "1.2 kB")]
    [InlineData(34_000_000, "34 MB")]
    [InlineData(999_700_000, "1.0 GB")]
    [InlineData(1.2e12, "1.2 TB")]
    [InlineData(5e18, "5,000 PB")]
    [InlineData(-1, "0 B")]
    public void Sizes_are_told_as_people_say_them(double bytes, string text) => Assert.Equal(text, SizeText.Of(bytes));
}
