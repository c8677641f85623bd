using System.Text.Json;
using HerokuMigrator.Lab;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>A shop on Heroku and an empty PlanetScale database, looked at once for all specs here.</summary>
public sealed class OrdinaryMove(LabPair lab) : IAsyncLifetime
{
    private LabMove? _move;

    public LabMove Move => _move!;

    public ReadinessReport Report { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        _move = await lab.NewMoveAsync(CancellationToken.None);
        await ShopSchema.CreateAsync(_move.Source, scale: 0.1, CancellationToken.None);
        Report = await ReadinessRunner.RunAsync(_move.Options);
    }

    public async ValueTask DisposeAsync()
    {
        if (_move is not null)
        {
            await _move.DisposeAsync();
        }
    }
}

public sealed class ReadinessOfAnOrdinaryMoveSpecs(OrdinaryMove ordinary) : IClassFixture<OrdinaryMove>
{
    [Theory]
    [InlineData("SourceTls")]
    [InlineData("TargetTls")]
    [InlineData("SourceIsPrimary")]
    [Passes("SourceIsPrimary")]
    [InlineData("TargetIsPrimary")]
    [Passes("TargetIsPrimary")]
    [InlineData("SameDatabase")]
    [Passes("SameDatabase")]
    [InlineData("NotPooled")]
    [Passes("NotPooled")]
    [InlineData("SourceCanCreateSchema")]
    [InlineData("TablesOwned")]
    [InlineData("TablePrivileges")]
    [InlineData("SourceCanCreateTrigger")]
    [Passes("SourceCanCreateTrigger")]
    [InlineData("TargetReplicationRole")]
    [InlineData("TargetCanCreate")]
    [InlineData("SourceLeftovers")]
    [InlineData("TargetEmpty")]
    [InlineData("TargetCollisions")]
    [InlineData("TargetLeftoverState")]
    [InlineData("ServerVersions")]
    [Passes("ServerVersions")]
    [InlineData("SourceConnections")]
    [InlineData("TargetConnections")]
    [Passes("TargetConnections")]
    [InlineData("ProgramsInstalled")]
    [Passes("ProgramsInstalled")]
    [InlineData("HomeUsable")]
    [Passes("HomeUsable")]
    [InlineData("SameEncoding")]
    [InlineData("PreparedTransactions")]
    [InlineData("WraparoundVacuum")]
    [InlineData("LargeObjects")]
    [InlineData("ForeignTables")]
    [InlineData("InvalidIndexes")]
    [InlineData("AllTablesPublications")]
    [Passes("SourceConnections")]
    [Passes("SameEncoding")]
    [Passes("WraparoundVacuum")]
    public void A_check_passes_where_nothing_is_wrong(string id) => ordinary.Report.Find(id).MustBe(CheckStatus.Pass);

    [Theory]
    [InlineData("TablesCopiedWhole")]
    [InlineData("GeneratedAndIdentity")]
    [InlineData("Partitioned")]
    [InlineData("Inheritance")]
    [InlineData("UnloggedTables")]
    [InlineData("MaterializedViews")]
    [InlineData("SourceSize")]
    public void What_is_there_and_harmless_is_a_note(string id)
    {
        var check = ordinary.Report.Find(id);
        check.MustBe(CheckStatus.Note);
        Assert.NotEmpty(check.Objects);
    }

    [Fact]
    public void Nothing_blocks_a_start_and_no_check_fails()
    {
        Assert.True(ordinary.Report.IsReady, string.Join('\n', ordinary.Report.Checks.Where(check => check.Status == CheckStatus.Blocked)));
        Assert.DoesNotContain(ordinary.Report.Checks, check => check.Finding.StartsWith("The check itself failed", StringComparison.Ordinal));
        Assert.DoesNotContain(ordinary.Report.Checks, check => check.Status == CheckStatus.Skipped);
    }

    [Fact]
    public void Ids_are_unique_and_groups_are_those_of_the_contract()
    {
        string[] groups = ["Connection", "Permissions", "Schema", "Data", "Size", "Load", "Target", "Host"];
        Assert.Equal(ordinary.Report.Checks.Count, ordinary.Report.Checks.Select(check => check.Id).Distinct(StringComparer.Ordinal).Count());
        Assert.Equal(groups.Order(StringComparer.Ordinal), ordinary.Report.Checks.Select(check => check.Group).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal));
    }

    [Fact]
    [Fires("Collation")]
    public void A_difference_of_collation_is_a_warning_that_names_both_sides()
    {
        var check = ordinary.Report.Find("Collation");
        check.MustBe(CheckStatus.Warning);
        Assert.Contains("ICU en-US", check.Finding, StringComparison.Ordinal);
        Assert.Contains("C.UTF-8", check.Finding, StringComparison.Ordinal);
    }

    [Fact]
    public void No_password_is_in_the_report()
    {
        var text = JsonSerializer.Serialize(ordinary.Report) + string.Join('\n', ordinary.Report.Checks);
        Assert.DoesNotContain(ordinary.Move.Source.Owner.Password, text, StringComparison.Ordinal);
        Assert.DoesNotContain(ordinary.Move.Target.Owner.Password, text, StringComparison.Ordinal);
        Assert.DoesNotContain(Uri.EscapeDataString(ordinary.Move.Source.Owner.Password), text, StringComparison.Ordinal);
    }
}
