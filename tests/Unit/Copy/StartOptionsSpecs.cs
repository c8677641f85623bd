using System.Text.Json;
using Xunit;

namespace HerokuMigrator.Unit.Copy;

public sealed class StartOptionsSpecs
{
    [Theory]
    [InlineData(-1, null, null, "Jobs")]
    [InlineData(129, null, null, "Jobs")]
    [InlineData(null, -1, null, "IndexJobs")]
    [InlineData(null, null, -0.5, "MaxRateMBps")]
    [InlineData(null, null, 0.01, "MaxRateMBps")]
    [InlineData(null, null, double.NaN, "MaxRateMBps")]
    public void A_value_out_of_its_range_is_refused_by_name(int? jobs, int? indexJobs, double? rate, string option)
    {
        var refused = Assert.Throws<MigrationException>(new StartOptions { Jobs = jobs, IndexJobs = indexJobs, MaxRateMBps = rate }.Validate);
        Assert.Equal("StartOptionInvalid", refused.ErrorId);
        Assert.Equal(option, refused.Subject);
    }

    [Fact]
    public void Zero_takes_a_value_back_and_nothing_at_all_is_fine()
    {
        new StartOptions().Validate();
        new StartOptions { Jobs = 0, IndexJobs = 0, MaxRateMBps = 0 }.Validate();
        new StartOptions { Jobs = 128, IndexJobs = 1, MaxRateMBps = 0.1 }.Validate();
    }

    [Fact]
    public void What_is_given_replaces_what_was_given_before_and_the_rest_stays()
    {
        var before = new StartOptions { Jobs = 4, IndexJobs = 2, MaxRateMBps = 10 };
        Assert.Equal(new StartOptions { Jobs = 4, IndexJobs = 3, MaxRateMBps = 0 }, new StartOptions { IndexJobs = 3, MaxRateMBps = 0 }.Over(before));
    }

    [Fact]
    public void Whether_to_wait_is_not_kept()
    {
        var kept = JsonSerializer.Deserialize<StartOptions>(JsonSerializer.Serialize(new StartOptions { Jobs = 2, NoWait = true }));
        Assert.Equal(new StartOptions { Jobs = 2 }, kept);
    }
}
