namespace HerokuMigrator.Processes;

/// <summary>Runs programs. Every implementation passes the same contract test.</summary>
public interface ICommandRunner
{
    /// <summary>
    /// Runs a program to its end; any exit code is a result.
    /// Cancelled, it asks the program to end (SIGINT, then SIGTERM), kills the whole process tree after <see cref="ExternalCommand.GracePeriod"/>,
    /// and throws <see cref="OperationCanceledException"/> once nothing of it runs any more.
    /// </summary>
    /// <exception cref="MigrationException">ProgramMissing: no such program; ProgramNotRunnable: it could not be started.</exception>
    Task<CommandResult> RunAsync(ExternalCommand command, CancellationToken cancellationToken);
}

/// <param name="ExitCode">128 plus the signal's number where a signal ended the program.</param>
/// <param name="StandardOutput">All of its lines, each ended by \n, unredacted; with a line handler only the last million characters.</param>
/// <param name="StandardError">The same of the standard error, redacted; with a line handler only its last million characters.</param>
/// <param name="Elapsed">From the start to the end of the program.</param>
public sealed record CommandResult(int ExitCode, string StandardOutput, string StandardError, TimeSpan Elapsed)
{
    public override string ToString() => $"exit code {ExitCode} after {Elapsed.TotalSeconds:0.000} s";
}

public static class CommandRunnerExtensions
{
    private const int LinesInMessage = 8;

    /// <summary>Runs a program that must end with exit code 0.</summary>
    /// <exception cref="MigrationException">CommandFailed, with the last lines of its standard error.</exception>
    public static async Task<CommandResult> RunCheckedAsync(this ICommandRunner runner, ExternalCommand command, CancellationToken cancellationToken)
    {
        var result = await runner.RunAsync(command, cancellationToken);
        if (result.ExitCode == 0)
            return result;

        var program = Path.GetFileName(command.FileName);
        var said = LastLines(result.StandardError);
        throw new MigrationException(
            "CommandFailed",
            ErrorKind.NotSpecified,
            $"{program} ended with exit code {result.ExitCode}" + (said.Length == 0 ? " and said nothing." : $": {said}"),
            $"Mend what {program} complains of, then run the same command again; it goes on from there.")
        {
            Subject = program,
        };
    }

    private static string LastLines(string text)
    {
        var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return string.Join('\n', lines.TakeLast(LinesInMessage));
    }
}
