using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>One table with a key on Heroku and an empty PlanetScale database, looked at once for all specs here.</summary>
public sealed class PlainMove(LabPair lab) : IAsyncLifetime
{
    private LabMove? _move;

    public ReadinessReport Report { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        _move = await lab.NewMoveAsync(CancellationToken.None);
        await _move.Source.ExecuteAsOwnerAsync("CREATE TABLE public.items (id serial PRIMARY KEY, name text CHECK (name <> ''))", CancellationToken.None);
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

public sealed class ReadinessOfPlainSchemasSpecs(PlainMove plain) : IClassFixture<PlainMove>
{
    [Theory]
    [InlineData("AllTablesPublications")]
    [InlineData("AlwaysTriggers")]
    [InlineData("AwkwardKeyValues")]
    [InlineData("CaptureBypassed")]
    [InlineData("ChecksOnOtherTables")]
    [InlineData("DisabledTriggers")]
    [InlineData("EventTriggers")]
    [InlineData("ExtensionTableRows")]
    [InlineData("ForeignTables")]
    [InlineData("GeneratedAndIdentity")]
    [InlineData("GrantsToCarry")]
    [InlineData("Inheritance")]
    [InlineData("InvalidIndexes")]
    [InlineData("LargeObjects")]
    [InlineData("LogicalReplication")]
    [InlineData("MaterializedViews")]
    [InlineData("NotValidConstraints")]
    [InlineData("PartitionMaintenance")]
    [InlineData("Partitioned")]
    [InlineData("RowSecurityPolicies")]
    [InlineData("SearchPathDependents")]
    [InlineData("SecurityLabels")]
    [InlineData("SourceLeftovers")]
    [InlineData("SuperuserObjects")]
    [InlineData("TableStorage")]
    [InlineData("TablesCopiedWhole")]
    [InlineData("UnloggedTables")]
    [InlineData("UntrustedFunctions")]
    [Passes("AllTablesPublications")]
    [Passes("AlwaysTriggers")]
    [Passes("AwkwardKeyValues")]
    [Passes("CaptureBypassed")]
    [Passes("ChecksOnOtherTables")]
    [Passes("DisabledTriggers")]
    [Passes("EventTriggers")]
    [Passes("ExtensionTableRows")]
    [Passes("ForeignTables")]
    [Passes("GeneratedAndIdentity")]
    [Passes("GrantsToCarry")]
    [Passes("Inheritance")]
    [Passes("InvalidIndexes")]
    [Passes("LargeObjects")]
    [Passes("LogicalReplication")]
    [Passes("MaterializedViews")]
    [Passes("NotValidConstraints")]
    [Passes("PartitionMaintenance")]
    [Passes("Partitioned")]
    [Passes("RowSecurityPolicies")]
    [Passes("SearchPathDependents")]
    [Passes("SecurityLabels")]
    [Passes("SourceLeftovers")]
    [Passes("SuperuserObjects")]
    [Passes("TableStorage")]
    [Passes("UnloggedTables")]
    [Passes("UntrustedFunctions")]
    public void A_check_passes_where_there_is_nothing_of_the_kind(string id) => plain.Report.Find(id).MustBe(CheckStatus.Pass);
}
