using HerokuMigrator.Catalog;
using HerokuMigrator.State;
using Xunit;

namespace HerokuMigrator.Unit.State;

public sealed class KnownNamesSpecs : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("hm-unit-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task Migrations_are_known_by_their_homes_also_those_that_have_ended()
    {
        var token = TestContext.Current.CancellationToken;
        await MigrationHome.Locate("shop", _root).SaveConnectionsAsync("postgres://a", "postgres://b", token);
        var ended = MigrationHome.Locate("old", _root);
        ended.Create();
        await File.WriteAllTextAsync(ended.OutcomeFile, "{}", token);
        Directory.CreateDirectory(Path.Combine(_root, "empty"));
        Assert.Equal([("old", true), ("shop", false)], KnownNames.Migrations(_root).Select(known => (known.Name, known.HasEnded)));
    }

    [Fact]
    public void Without_a_folder_nothing_is_known()
    {
        Assert.Empty(KnownNames.Migrations(Path.Combine(_root, "none")));
        Assert.Empty(KnownNames.Tables("shop", _root));
    }

    [Fact]
    public async Task Tables_are_known_as_they_were_last_read_until_the_home_forgets_them()
    {
        var home = MigrationHome.Locate("shop", _root);
        home.Create();
        await KnownNames.KeepTablesAsync(home, [Row("public", "orders"), Row("public", "Käse.Bröt")], TestContext.Current.CancellationToken);
        Assert.Equal(["public.Käse.Bröt", "public.orders"], KnownNames.Tables("shop", _root));
        home.Forget();
        Assert.Empty(KnownNames.Tables("shop", _root));
    }

    private static TableRow Row(string schema, string name) =>
        new(new TableInfo { Oid = 1, Schema = schema, Name = name, Owner = "a", Owned = true, Columns = [] }, Copied: false, 0, 0, null);
}
