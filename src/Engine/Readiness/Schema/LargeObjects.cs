using System.Globalization;
using HerokuMigrator.Cutover;

namespace HerokuMigrator.Readiness;

internal sealed class LargeObjects : IReadinessCheck
{
    private const int Many = 10_000;

    private const double LongSeconds = 60;

    private const string HowTheyGo =
        "They are copied, with their oids, while writes are held back, as nothing can capture their changes. Privileges on them are not carried: on the target they belong to its role alone.";

    public string Id => nameof(LargeObjects);

    public string Group => CheckGroup.Schema;

    public string Title => "Large objects";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        var figures = await LargeObjectFigures.ReadAsync(source, cancellationToken);
        if (figures.Count == 0)
        {
            return Finding.Pass("There are no large objects.");
        }

        var obstacles = await LargeObjectPrivileges.FindObstaclesAsync(source, cancellationToken);
        if (obstacles.Count > 0)
        {
            return Finding.Blocked(
                $"The source holds {figures}, and the switch could not take them along: {FindingText.Several(obstacles.ConvertAll(obstacle => obstacle.Text))}.",
                "What cannot be read is not copied, and what is written to them during the switch would be lost.",
                FindingText.Statements(obstacles.Select(obstacle => obstacle.Remedy)));
        }

        if (context.OwnMigrationId is null && await TargetHoldsAsync(context, cancellationToken) is > 0 and var there)
        {
            return Finding.Blocked(
                $"The source holds {figures}, and the target has {Words.Count(there, "large object")} already.",
                "They keep their oids, so that rows find them; an oid that is taken on the target could not be given.",
                "Name an empty database as target. Where those of the target are not needed, unlink them there, some thousand at a time:\nSELECT lo_unlink(oid) FROM (SELECT oid FROM pg_largeobject_metadata LIMIT 5000) some;");
        }

        var seconds = (figures.Count * (Pace.FenceSecondsPerLargeObject + Pace.CopySecondsPerLargeObject)) + ((figures.Bytes ?? 0) / Pace.LargeObjectBytesPerSecond);
        return figures.Count <= Many && seconds <= LongSeconds && figures.Bytes is not null
            ? FindingText.Note($"The source holds {figures}.", HowTheyGo, [])
            : Finding.Warning(
                $"The source holds {figures}: the switch would hold writes back for {seconds.ToString("0", CultureInfo.InvariantCulture)} s or more on their account.",
                HowTheyGo,
                "Remove those that no row refers to (vacuumlo finds them), move their content into bytea columns before the start, or plan for the pause and give the switch a -TimeoutSec that allows it.");
    }

    private static async Task<long> TargetHoldsAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var target = await context.OpenTargetAsync(cancellationToken);
        return await target.ScalarAsync<long>("SELECT count(*) FROM pg_largeobject_metadata", cancellationToken);
    }
}
