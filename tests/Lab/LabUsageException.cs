namespace HerokuMigrator.Lab;

/// <summary>What stands on the lab's command line cannot be done.</summary>
internal sealed class LabUsageException(string message) : Exception(message);
