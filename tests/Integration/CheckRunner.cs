using HerokuMigrator.Catalog;
using HerokuMigrator.Operations;
using HerokuMigrator.Readiness;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>Runs one check with bounds of the spec's own, so that nobody need wait an hour for a long transaction.</summary>
internal static class CheckRunner
{
    public static async Task<Finding> RunAsync(this LabMove move, IReadinessCheck check)
    {
        var token = TestContext.Current.CancellationToken;
        await using var session = await MigrationSession.OpenAsync(move.Options, "test", NoEvents.Instance, token);
        SourceCatalog catalog;
        await using (var source = await session.OpenSourceAsync(token))
        {
            catalog = await CatalogReader.ReadAsync(source, token);
        }

        return await check.RunAsync(new ReadinessContext(session, catalog, ownMigrationId: null, token), token);
    }

    public static void MustBe(this Finding finding, CheckStatus status, params string[] objects)
    {
        Assert.True(finding.Status == status, $"{finding.Text}\n{finding.Reason}\n{finding.Remedy}");
        if (objects.Length > 0)
        {
            Assert.Equal(objects, finding.Objects);
        }
    }
}
