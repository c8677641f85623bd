using HerokuMigrator.Copy;
using Xunit;

namespace HerokuMigrator.Unit.Copy;

public sealed class SourceGovernorSpecs
{
    private static readonly SourceStrain Calm = new(CommitMs: 2, Active: 3, ReplayLag: 0, RetainedBytes: 0);

    [Theory]
    [InlineData(45, 12, 30, 4e9, null)]
    [InlineData(51, 3, 0, 0, "commits on the source take 51 ms, 2.0 ms when the copy began")]
    [InlineData(2, 13, 0, 0, "13 sessions of others are active on the source, 3 when the copy began")]
    [InlineData(2, 3, 31, 0, "a standby of the source is 31 s behind")]
    [InlineData(2, 3, 0, 4.5e9, "a replication slot of the source keeps 4.5 GB of WAL")]
    public void A_source_that_was_calm_before_complains_of_what_became_worse(double commitMs, long active, double lag, double retained, string? complaint) =>
        Assert.Equal(complaint, SourceGovernor.Complaint(Calm, new SourceStrain(commitMs, active, lag, retained)));

    [Fact]
    public void A_source_that_was_busy_before_is_not_held_against_the_copy()
    {
        var busy = new SourceStrain(CommitMs: 80, Active: 40, ReplayLag: 100, RetainedBytes: 1e11);

        Assert.Null(SourceGovernor.Complaint(busy, busy));
    }

    [Fact]
    public void Each_look_that_finds_trouble_halves_what_passes_and_those_that_find_none_give_it_back()
    {
        var first = SourceGovernor.NextRate(null, 80e6, suffers: true);
        var second = SourceGovernor.NextRate(first, 40e6, suffers: true);
        Assert.Equal((40e6, 20e6), (first, second));

        double? rate = second;
        var looks = 0;
        while (rate is not null && looks < 100)
        {
            rate = SourceGovernor.NextRate(rate, Math.Min(rate.Value, 80e6), suffers: false);
            looks++;
        }

        Assert.Null(rate);
        Assert.InRange(looks, 3, 20);
    }

    [Fact]
    public void However_long_the_trouble_lasts_the_copy_never_stands_still_for_good()
    {
        double? rate = null;
        for (var look = 0; look < 50; look++)
        {
            rate = SourceGovernor.NextRate(rate, rate ?? 1e6, suffers: true);
        }

        Assert.Equal(250_000, rate);
    }
}
