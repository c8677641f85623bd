using HerokuMigrator.Catalog;
using HerokuMigrator.Lab;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>Runs the readiness checks as a face does, and picks one.</summary>
internal static class ReadinessRunner
{
    public static async Task<ReadinessReport> RunAsync(MigratorOptions options, ReadinessOptions? readiness = null)
    {
        await using var migrator = new Migrator(options, NoEvents.Instance);
        return await migrator.TestReadinessAsync(readiness ?? new ReadinessOptions(), TestContext.Current.CancellationToken);
    }

    /// <summary>Runs this check alone.</summary>
    public static async Task<ReadinessCheck> CheckAsync(this LabMove move, string id, Func<MigratorOptions, MigratorOptions>? change = null) =>
        (await RunAsync(change?.Invoke(move.Options) ?? move.Options, new ReadinessOptions { Include = [id] })).Find(id);

    public static ReadinessCheck Find(this ReadinessReport report, string id) => Assert.Single(report.Checks, check => check.Id == id);

    /// <summary>Runs SQL in the name of the database's owner.</summary>
    public static Task ExecuteAsOwnerAsync(this LabDatabase database, string sql, CancellationToken cancellationToken) =>
        database.ExecuteAsync($"SET ROLE {SqlName.Quote(database.Owner.Name)}; {sql}", cancellationToken);

    public static void MustBe(this ReadinessCheck check, CheckStatus status, params string[] objects)
    {
        Assert.True(check.Status == status, $"{check}\n{check.Reason}\n{check.Remedy}");
        if (objects.Length > 0)
        {
            Assert.Equal(objects, check.Objects);
        }

        if (status is CheckStatus.Warning or CheckStatus.Blocked)
        {
            Assert.NotEmpty(check.Reason);
            Assert.NotEmpty(check.Remedy);
        }
    }
}
