using System.Management.Automation;

namespace HerokuMigrator.Commands;

/// <summary>What every cmdlet of this module takes: which migration, and where its databases are.</summary>
public abstract class MigrationCmdlet : AsyncCmdlet
{
    /// <summary>Tells migrations apart.</summary>
    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true)]
    [ValidatePattern(MigrationName.Pattern)]
    [ArgumentCompleter(typeof(MigrationNameCompleter))]
    public string Name { get; set; } = MigrationName.Default;

    /// <summary>The database to move; without it the migration's home tells it, or HEROKU_URL.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [Alias("Source")]
    [ConnectionArgumentTransformation]
    public ConnectionArgument? SourceUrl { get; set; }

    /// <summary>The database to move it to; without it the migration's home tells it, or PLANETSCALE_URL.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [Alias("Target")]
    [ConnectionArgumentTransformation]
    public ConnectionArgument? TargetUrl { get; set; }

    private protected override object? ErrorTarget => Name;

    /// <summary>Adds what a cmdlet's own parameters say.</summary>
    private protected virtual MigratorOptions Configure(MigratorOptions options) => options;

    /// <summary>Calls the engine; it is closed, and its locks are given back, before the result goes down the pipeline.</summary>
    private protected T Use<T>(Func<Migrator, CancellationToken, Task<T>> operation) => Use((migrator, _, cancellationToken) => operation(migrator, cancellationToken));

    /// <summary>The same for an operation that has to do something on the pipeline's thread between.</summary>
    private protected T Use<T>(Func<Migrator, PipelineEvents, CancellationToken, Task<T>> operation, PhaseScript? onPhaseChange = null)
    {
        var options = Configure(new MigratorOptions
        {
            Name = Name,
            SourceUrl = SourceUrl?.Reveal(),
            TargetUrl = TargetUrl?.Reveal(),
            Worker = PowerShellHost.WorkerFor(Name),
        });
        return RunOnWorker(async (events, cancellationToken) =>
        {
            await using var migrator = new Migrator(options, events);
            return await operation(migrator, events, cancellationToken);
        }, onPhaseChange);
    }

    /// <summary>A path of the file system: PowerShell's own folder and drives count, not those of the process.</summary>
    private protected string FilePath(string path)
    {
        var resolved = GetUnresolvedProviderPathFromPSPath(path);
        return SessionState.Path.IsPSAbsolute(path, out var drive) && SessionState.Drive.Get(drive).Provider.Name != "FileSystem"
            ? throw FaceErrors.ReportPathForeign(path)
            : resolved;
    }

    /// <summary>What the call throws for people ends the pipeline with its error record.</summary>
    private protected T Known<T>(Func<T> call)
    {
        try
        {
            return call();
        }
        catch (MigrationException exception)
        {
            Fail(exception);
            throw;
        }
    }
}
