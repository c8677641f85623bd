using HerokuMigrator.Connections;

namespace HerokuMigrator.Readiness;

internal sealed class Regions : IReadinessCheck
{
    public string Id => nameof(Regions);

    public string Group => CheckGroup.Connection;

    public string Title => "Both servers stand in one region";

    public Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        var source = Of(context.Session.SourceSettings);
        var target = Of(context.Session.TargetSettings);
        return Task.FromResult((source.Region, target.Region) switch
        {
            ({ } from, { } to) when from == to => Finding.Pass($"Both servers stand in {from}, by their names."),
            ({ } from, { } to) => Finding.Warning(
                $"By their names the source stands in {from}, the target in {to}.",
                $"All rows cross from one region to the other, which the source's side may bill as egress. An application that stays in {from} pays the way with every query after the switch; RoundTrips tells how long the ways from here are.",
                $"Create the target in {from}, or move the application together with the database.",
                [source.Host, target.Host]),
            _ => Finding.Pass($"The {Untold(source.Region, target.Region)} of no region; RoundTrips tells how far away the servers are."),
        });
    }

    private static (string Host, HostRegion? Region) Of(ConnectionSettings settings) => (settings.Hosts[0].Name, HostRegion.Of(settings.Hosts[0].Name));

    private static string Untold(HostRegion? source, HostRegion? target) =>
        (source, target) switch
        {
            (null, null) => "names of the servers tell",
            (null, _) => $"name of the source tells (the target is in {target})",
            _ => $"name of the target tells (the source is in {source})",
        };
}
