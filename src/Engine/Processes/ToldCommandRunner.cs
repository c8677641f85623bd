namespace HerokuMigrator.Processes;

/// <summary>Tells of every command that another runner runs, redacted, and of how it ended.</summary>
internal sealed class ToldCommandRunner(ICommandRunner runner, IOperationEvents events) : ICommandRunner
{
    public async Task<CommandResult> RunAsync(ExternalCommand command, CancellationToken cancellationToken)
    {
        events.Debug($"Command: {command}");
        var result = await runner.RunAsync(command, cancellationToken);
        events.Debug($"{Path.GetFileName(command.FileName)}: {result}");
        return result;
    }
}
