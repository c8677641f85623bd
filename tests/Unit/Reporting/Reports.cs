namespace HerokuMigrator.Unit.Reporting;

/// <summary>Reports to show.</summary>
internal static class Reports
{
    public const string Password = "p@ss:w/rd%',\"\\";

    public static readonly MigrationEstimate Estimate = new()
    {
        Copy = new EstimatedTime { Seconds = 200, Basis = "2.1 GB of rows at 11 MB/s" },
        Index = new EstimatedTime { Seconds = 65, Basis = "900 MB of indexes" },
        WritePause = new EstimatedTime { Seconds = 0.42, Basis = "12 ms to the source" },
    };

    public static readonly ReadinessInventory Inventory = new()
    {
        SourceVersion = "PostgreSQL 13.14 on x86_64-pc-linux-gnu, compiled by gcc",
        TargetVersion = "PostgreSQL 17.2 on aarch64-unknown-linux-gnu, compiled by gcc",
        Extensions = [new InventoryExtension("citext", "1.6", "public", null), new InventoryExtension("hstore", "1.7", "public", "1.8")],
        Settings =
        [
            new InventorySetting("search_path", "\"$user\", public", "public"), new InventorySetting("work_mem", "4MB", "16MB"),
            new InventorySetting("old_one", "on", null), new InventorySetting("log_line_prefix", "", " x "),
        ],
        Clients = [new InventoryClient("app", "puma | 1 <b>", 5), new InventoryClient("?", "", 1)],
    };

    public static ReadinessCheck Check(string id, CheckStatus status, string finding = "Found.", string remedy = "", string reason = "It matters.") =>
        new() { Id = id, Group = "Schema", Title = "A title", Status = status, Finding = finding, Remedy = remedy, Reason = reason };

    public static ReadinessReport Of(params IReadOnlyList<ReadinessCheck> checks)
    {
        var connection = $"postgres://app:{Uri.EscapeDataString(Password)}@db.example/shop";
        return new ReadinessReport
        {
            Name = "shop",
            Source = new DatabaseAddress("db.example", 5432, "shop", "app", connection),
            Target = new DatabaseAddress("new.example", 5432, "shop", "app", connection),
            CheckedAt = new DateTimeOffset(2026, 3, 4, 5, 6, 7, TimeSpan.Zero),
            Checks = checks,
        };
    }
}
