using HerokuMigrator.Logs;
using HerokuMigrator.State;
using Xunit;

namespace HerokuMigrator.Unit.Logs;

public sealed class BucardoLogSpecs : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("hm-log-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void A_line_becomes_an_entry_with_its_time_its_level_and_the_table_that_it_names()
    {
        var entry = Assert.Single(Parse("NORMAL (4711) [2026-03-04T05:06:07.120 Z] KID (sync) Delta count for source.public.orders : 12"));
        Assert.Equal(new DateTimeOffset(2026, 3, 4, 5, 6, 7, 120, TimeSpan.Zero), entry.Time);
        Assert.Equal(MigrationLogLevel.Verbose, entry.Level);
        Assert.Equal(MigrationLogSource.Bucardo, entry.Source);
        Assert.Equal("\"public\".\"orders\"", entry.Table);
        Assert.Equal("KID (sync) Delta count for source.public.orders : 12", entry.Message);
    }

    [Fact]
    public void Lines_without_a_head_go_on_with_the_entry_before()
    {
        var entries = Parse("a line of an entry that was cut off", "WARN (1) [2026-03-04T05:06:07 Z] CTL one", "  two", "WARN (1) [2026-03-04T05:06:08 Z] CTL three");
        Assert.Equal(["CTL one\n  two", "CTL three"], entries.Select(entry => entry.Message));
    }

    [Theory]
    [InlineData("WARN", "KID Warning! Aborting due to exception for public.t:7 Error was deadlock", MigrationLogLevel.Error)]
    [InlineData("WARN", "MCP Warning: something is odd", MigrationLogLevel.Warning)]
    [InlineData("WARN", "CTL Warning! Controller for \"migration\" was killed at line 2192: Found stopfile: stop", MigrationLogLevel.Verbose)]
    [InlineData("WARN", "MCP Starting up", MigrationLogLevel.Verbose)]
    [InlineData("TERSE", "CTL Created kid", MigrationLogLevel.Verbose)]
    [InlineData("DEBUG", "KID looking", MigrationLogLevel.Debug)]
    public void Faults_and_warnings_are_told_by_their_words_and_the_rest_by_their_level(string level, string message, MigrationLogLevel expected) =>
        Assert.Equal(expected, Assert.Single(Parse($"{level} (1) [2026-03-04T05:06:07.1 Z] {message}")).Level);

    [Fact]
    public void Times_never_go_back_as_its_milliseconds_do()
    {
        var entries = Parse("WARN (1) [2026-03-04T05:06:07.900 Z] MCP one", "WARN (1) [2026-03-04T05:06:07.120 Z] MCP two");
        Assert.Equal(entries[0].Time, entries[1].Time);
    }

    [Fact]
    public void What_is_kept_of_it_at_the_end_is_read_once_and_is_its_owners_alone()
    {
        var home = MigrationHome.Locate("spec", _folder.FullName);
        Directory.CreateDirectory(Path.GetDirectoryName(home.BucardoLogFile)!);
        File.WriteAllText(home.BucardoLogFile, "WARN (1) [2026-03-04T05:06:07.900 Z] MCP one\n");
        var log = new BucardoLog(home);
        Assert.Single(log.ReadNew());

        BucardoLog.Keep(home);
        home.Forget();
        Assert.Empty(log.ReadNew());
        Assert.Equal("MCP one", Assert.Single(new BucardoLog(home).ReadNew()).Message);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(home.KeptBucardoLogFile));
    }

    private List<MigrationLogEntry> Parse(params string[] lines) => [.. new BucardoLog(MigrationHome.Locate("spec", _folder.FullName)).Parse(lines)];
}
