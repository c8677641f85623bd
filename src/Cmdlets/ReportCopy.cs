using System.Collections;
using System.Management.Automation;

namespace HerokuMigrator.Commands;

/// <summary>A report of which only its properties are left: it came back from a job, a remote session or a file.</summary>
internal static class ReportCopy
{
    public static ReadinessReport Of(PSObject report) => new()
    {
        Name = Text(report, "Name"),
        Source = Address(Part(report, "Source")),
        Target = Address(Part(report, "Target")),
        CheckedAt = Get<DateTimeOffset>(report, "CheckedAt"),
        Checks = [.. Parts(report, "Checks").Select(Check)],
        LeftOut = [.. Parts(report, "LeftOut").Select(id => id.ToString())],
        Estimate = Part(report, "Estimate") is { } estimate
            ? new MigrationEstimate { Copy = Time(Part(estimate, "Copy")), Index = Time(Part(estimate, "Index")), WritePause = Time(Part(estimate, "WritePause")) }
            : null,
        Inventory = Part(report, "Inventory") is { } inventory ? Inventory(inventory) : null,
    };

    private static ReadinessCheck Check(PSObject check) => new()
    {
        Id = Text(check, "Id"),
        Group = Text(check, "Group"),
        Title = Text(check, "Title"),
        Status = Get<CheckStatus>(check, "Status"),
        Finding = Text(check, "Finding"),
        Reason = Text(check, "Reason"),
        Remedy = Text(check, "Remedy"),
    };

    private static ReadinessInventory Inventory(PSObject inventory) => new()
    {
        SourceVersion = Text(inventory, "SourceVersion"),
        TargetVersion = Text(inventory, "TargetVersion"),
        Extensions = [.. Parts(inventory, "Extensions").Select(one => new InventoryExtension(Text(one, "Name"), Text(one, "Version"), Text(one, "Schema"), Get<string>(one, "TargetVersion")))],
        Settings = [.. Parts(inventory, "Settings").Select(one => new InventorySetting(Text(one, "Name"), Get<string>(one, "Source"), Get<string>(one, "Target")))],
        Clients = [.. Parts(inventory, "Clients").Select(one => new InventoryClient(Text(one, "Role"), Text(one, "Application"), Get<int>(one, "Connections")))],
    };

    private static EstimatedTime Time(PSObject? time) => new() { Seconds = time is null ? 0 : Get<double>(time, "Seconds"), Basis = time is null ? "" : Text(time, "Basis") };

    private static DatabaseAddress Address(PSObject? address) => address is null
        ? new DatabaseAddress("", 0, "", "")
        : new DatabaseAddress(Text(address, "Host"), Get<int>(address, "Port"), Text(address, "Database"), Text(address, "User"));

    private static PSObject? Part(PSObject whole, string name) => whole.Properties[name]?.Value is { } value ? PSObject.AsPSObject(value) : null;

    private static IEnumerable<PSObject> Parts(PSObject whole, string name) =>
        Part(whole, name)?.BaseObject is IEnumerable items and not string ? items.Cast<object>().Select(PSObject.AsPSObject) : [];

    public static string Text(PSObject whole, string name) => Get<string>(whole, name) ?? "";

    /// <summary>The default where the property is missing, or was cut off on the way.</summary>
    public static T? Get<T>(PSObject whole, string name) =>
        whole.Properties[name]?.Value is { } value && LanguagePrimitives.TryConvertTo<T>(value, out var result) ? result : default;
}
