namespace HerokuMigrator;

/// <summary>A table as a live view shows it.</summary>
/// <param name="Name">Schema and table.</param>
/// <param name="Bytes">Heap and TOAST on the source, when the copy was planned.</param>
/// <param name="Percent">Of its initial copy; null where it cannot be told.</param>
/// <param name="IsRunning">True while it is being copied.</param>
public sealed record LiveTable(string Name, long Bytes, double? Percent, bool IsRunning);

/// <summary>One look at a migration, with the tables that a live view shows beside it.</summary>
/// <param name="Status">Where it stands.</param>
/// <param name="Tables">Those that are being copied, and the largest of the others; empty where no copy is under way.</param>
public sealed record LiveStatus(SyncStatus Status, IReadOnlyList<LiveTable> Tables);
