using HerokuMigrator.Processes;
using Xunit;

namespace HerokuMigrator.Unit.Processes;

public sealed class ProgramsSpecs
{
    private static readonly ProcessRunner Runner = new();

    [Theory]
    [InlineData(Programs.PgDump)]
    [InlineData(Programs.PgRestore)]
    [InlineData(Programs.Psql)]
    [InlineData(Programs.InitDb)]
    [InlineData(Programs.PgCtl)]
    [InlineData(Programs.Postgres)]
    [InlineData(Programs.Bucardo)]
    public async Task A_program_is_found_with_its_version(string name)
    {
        Assert.SkipWhen(Programs.TryFind(name) is null, $"{name} is not installed");

        var found = await Programs.FindAsync(name, Runner, TestContext.Current.CancellationToken);

        Assert.True(File.Exists(found.Path));
        Assert.InRange(found.Version.Major, 5, 99);
        Assert.Contains(found.Path, found.ToString());
    }

    [Fact]
    public void Clients_are_those_of_a_version_not_the_wrapper_that_looks_at_local_clusters()
    {
        Assert.SkipUnless(Directory.Exists("/usr/share/postgresql-common"), "needs Debian's packages");

        Assert.NotEqual("pg_wrapper", new FileInfo(Programs.Find(Programs.Psql)).ResolveLinkTarget(returnFinalTarget: true)?.Name);
    }

    [Fact]
    public void Programs_of_the_server_come_from_an_installation_with_PLPerl()
    {
        Assert.SkipWhen(Programs.TryFind(Programs.InitDb) is null, "needs a PostgreSQL server with PL/Perl");

        Assert.True(File.Exists(Path.Combine(Path.GetDirectoryName(Programs.Find(Programs.InitDb))!, "..", "lib", "plperl.so")));
    }

    [Fact]
    public void A_missing_program_is_an_error_that_says_what_to_do()
    {
        var error = Assert.Throws<MigrationException>(() => Programs.Find("no-such-program"));

        Assert.Equal(("ProgramMissing", ErrorKind.NotInstalled, "no-such-program"), (error.ErrorId, error.Kind, error.Subject));
        Assert.Contains("PATH", error.RecommendedAction);
    }
}
