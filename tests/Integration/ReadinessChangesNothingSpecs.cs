using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>A report is made of a source that is being written, and where one table is locked for all others the whole time.</summary>
public sealed class ReadinessChangesNothingSpecs(ReadinessUnderLoad run) : IClassFixture<ReadinessUnderLoad>
{
    [Fact]
    public void Catalogs_and_counters_of_both_sides_are_as_before() => Assert.Equal(run.Before, run.After);

    [Fact]
    public void No_lock_is_taken_that_a_writer_could_notice()
    {
        Assert.True(run.Sightings > 0, "No session of the report was seen.");
        Assert.Empty(run.StrongLocks);
    }

    /// <summary>The fixture fails where a writer meets a lock.</summary>
    [Fact]
    public void Writers_go_on_in_every_table() => Assert.True(run.Commits > 0);

    [Fact]
    public void A_locked_table_holds_nothing_up_and_the_report_says_what_could_not_be_measured()
    {
        Assert.Equal(Migrator.ReadinessCheckIds, run.Report.Checks.Select(check => check.Id));
        Assert.DoesNotContain(run.Report.Checks, check => check.Finding.Contains("was cut off", StringComparison.Ordinal));
        Assert.DoesNotContain(run.Report.Checks, check => check.Finding.StartsWith("The check itself failed", StringComparison.Ordinal));
        Assert.Contains("as 1 table is locked and cannot be measured", run.Report.Estimate!.Copy.Basis, StringComparison.Ordinal);
    }
}
