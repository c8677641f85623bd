namespace HerokuMigrator.Commands;

/// <summary>The entry of the worker: a PowerShell without a terminal that watches over one migration's replication.</summary>
public static class WorkerHost
{
    /// <summary>Watches until the migration leaves replication; returns the process's exit code.</summary>
    public static int Run(string name) =>
        WorkerProgram.RunAsync(new MigratorOptions { Name = name }, Console.Out).GetAwaiter().GetResult();
}
