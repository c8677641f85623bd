using HerokuMigrator.Lab;
using Npgsql;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>What goes wrong with one part of a report leaves the others as they are.</summary>
public sealed class ReadinessRunSpecs(LabPair lab)
{
    [Fact]
    public async Task A_check_that_the_server_refuses_is_a_finding_and_the_others_are_there()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsync("REVOKE SELECT ON pg_catalog.pg_publication FROM PUBLIC", token);

        var report = await ReadinessRunner.RunAsync(move.Options, new ReadinessOptions { Include = ["*Publications", "SourceIsPrimary"] });

        report.Find("AllTablesPublications").MustBe(CheckStatus.Warning);
        Assert.StartsWith("The check itself failed: ", report.Find("AllTablesPublications").Finding, StringComparison.Ordinal);
        Assert.Contains("permission denied for table pg_publication", report.Find("AllTablesPublications").Finding, StringComparison.Ordinal);
        report.Find("SourceIsPrimary").MustBe(CheckStatus.Pass);
    }

    [Fact]
    public async Task A_check_that_hangs_is_cut_off_and_skipped_with_why_and_all_others_are_there()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await using var holder = await LockAsync(move.Source, "LOCK TABLE pg_catalog.pg_publication IN ACCESS EXCLUSIVE MODE", token);

        var report = await ReadinessRunner.RunAsync(move.Options, new ReadinessOptions { Exclude = ["WriteRate"], CheckTimeoutSeconds = 4 });

        report.Find("AllTablesPublications").MustBe(CheckStatus.Skipped);
        Assert.Equal("It took longer than 4 s and was cut off.", report.Find("AllTablesPublications").Finding);
        Assert.Equal(Migrator.ReadinessCheckIds.Except(["WriteRate"]), report.Checks.Select(check => check.Id));
        report.Find("SourceIsPrimary").MustBe(CheckStatus.Pass);
    }

    [Fact]
    public async Task An_inventory_and_an_estimate_that_cannot_be_made_are_null_and_told_and_the_checks_are_there()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsync("REVOKE SELECT ON pg_catalog.pg_am FROM PUBLIC", token);
        await move.Target.ExecuteAsync("REVOKE SELECT ON pg_catalog.pg_settings FROM PUBLIC", token);
        await using var migrator = move.NewMigrator();

        var report = await migrator.TestReadinessAsync(new ReadinessOptions { Exclude = ["*Collation*"] }, token);

        Assert.Null(report.Estimate);
        Assert.Null(report.Inventory);
        Assert.Contains(move.Events.Warnings, text => text.StartsWith("The report has no estimate: ", StringComparison.Ordinal) && text.Contains("pg_am", StringComparison.Ordinal));
        Assert.Contains(move.Events.Warnings, text => text.StartsWith("The report has no inventory: ", StringComparison.Ordinal) && text.Contains("pg_settings", StringComparison.Ordinal));
        report.Find("SourceIsPrimary").MustBe(CheckStatus.Pass);
    }

    [Fact]
    public async Task A_report_of_some_checks_has_neither_estimate_nor_inventory()
    {
        await using var move = await lab.NewMoveAsync(TestContext.Current.CancellationToken);

        var report = await ReadinessRunner.RunAsync(move.Options, new ReadinessOptions { Include = ["SourceIsPrimary"] });

        Assert.Null(report.Estimate);
        Assert.Null(report.Inventory);
        Assert.True(Assert.Single(report.Checks).DurationMs > 0);
    }

    private static async Task<NpgsqlConnection> LockAsync(LabDatabase database, string sql, CancellationToken cancellationToken)
    {
        var connection = new NpgsqlConnection(database.AdminConnectionString);
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand("BEGIN; " + sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
        return connection;
    }
}
