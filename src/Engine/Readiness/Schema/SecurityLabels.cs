using HerokuMigrator.Catalog;

namespace HerokuMigrator.Readiness;

internal sealed class SecurityLabels : IReadinessCheck
{
    private const string Sql = "SELECT DISTINCT provider, pg_describe_object(classoid, objoid, objsubid) FROM pg_seclabel ORDER BY 1, 2";

    public string Id => nameof(SecurityLabels);

    public string Group => CheckGroup.Schema;

    public string Title => "Security labels";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        var found = await source.ListAsync(Sql, row => $"{row.GetString(1)} (provider {SqlName.Quote(row.GetString(0))})", cancellationToken);
        return found.Count == 0
            ? Finding.Pass("There are no security labels.")
            : FindingText.Note(
                $"{FindingText.Count(found.Count, "object has", "objects have")} security labels: {FindingText.Several(found)}.",
                "Labels are not carried over. Where they hide or mask something (as with the extension anon), set them on the target before the switch: SECURITY LABEL FOR … ON … IS …;",
                found);
    }
}
