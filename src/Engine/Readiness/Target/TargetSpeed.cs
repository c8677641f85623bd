using System.Globalization;
using HerokuMigrator.Catalog;

namespace HerokuMigrator.Readiness;

internal sealed class TargetSpeed : IReadinessCheck
{
    /// <summary>PostgreSQL's own default, in kB: what no operator has lowered.</summary>
    private const long MaintenanceMemory = 64 * 1024;

    /// <summary>PostgreSQL's own default, in MB.</summary>
    private const long WalBetweenCheckpoints = 1024;

    public string Id => nameof(TargetSpeed);

    public string Group => CheckGroup.Target;

    public string Title => "The target's settings do not slow the copy";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        var settings = (await ServerSettings.OnceAsync(context, cancellationToken)).Target;
        var slow = new List<(string Setting, string Why, string? Remedy)>();
        await using var target = await context.OpenTargetAsync(cancellationToken);
        var (role, database) = (await CatalogQuestions.RoleAsync(target, cancellationToken), await CatalogQuestions.DatabaseAsync(target, cancellationToken));
        string OfRole(string setting, string value) => $"ALTER ROLE {role} IN DATABASE {database} SET {setting} = {SqlName.Literal(value)}; -- on the target, until the migration is completed";
        if (Number("maintenance_work_mem") < MaintenanceMemory)
        {
            slow.Add(("maintenance_work_mem", $"is {settings["maintenance_work_mem"]}: indexes are sorted on disk", OfRole("maintenance_work_mem", "256MB")));
        }

        if (Number("max_parallel_maintenance_workers") == 0)
        {
            slow.Add(("max_parallel_maintenance_workers", "is 0: an index is built by one process", OfRole("max_parallel_maintenance_workers", "2")));
        }

        if (Number("max_wal_size") < WalBetweenCheckpoints)
        {
            slow.Add(("max_wal_size", $"is {settings["max_wal_size"]}: the copy forces a checkpoint each time that much was written", "ALTER SYSTEM SET max_wal_size = '4GB'; -- on the target, as a superuser, then SELECT pg_reload_conf()"));
        }

        if (settings.GetValueOrDefault("synchronous_standby_names") is { Value.Length: > 0 } standbys && settings["synchronous_commit"].Value is not ("off" or "local"))
        {
            // To be lived with: what the target has confirmed is marked as replayed on the source, so it must not be lost.
            slow.Add(("synchronous_standby_names", $"is {standbys}: each commit waits for replicas", null));
        }

        return slow.Count == 0
            ? Finding.Pass("No setting of the target slows the copy.")
            : Finding.Note($"Settings of the target slow the copy: {FindingText.Several(slow.ConvertAll(one => $"{one.Setting} {one.Why}"))}.") with
            {
                Reason = "The copy and the indexes take longer; nothing is lost by it.",
                Remedy = string.Join('\n', slow.Select(one => one.Remedy).OfType<string>()),
                Objects = slow.ConvertAll(one => one.Setting),
            };

        long? Number(string name) =>
            settings.TryGetValue(name, out var setting) && long.TryParse(setting.Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;
    }
}
