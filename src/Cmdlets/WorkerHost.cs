namespace HerokuMigrator.Commands;

/// <summary>The entry of the worker: a PowerShell without a terminal that does one migration's start and watches over its replication.</summary>
public static class WorkerHost
{
    /// <summary>Works until the migration leaves replication; returns the process's exit code.</summary>
    public static int Run(string name) =>
        WorkerProgram.RunAsync(new MigratorOptions { Name = name }, Console.Out).GetAwaiter().GetResult();
}
