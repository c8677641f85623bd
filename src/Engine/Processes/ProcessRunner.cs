using System.ComponentModel;
using System.Text;
using CliWrap;

namespace HerokuMigrator.Processes;

/// <summary><see cref="ICommandRunner"/> over CliWrap: all that knows of it is in this file and in <see cref="RunningProgram"/>.</summary>
public sealed class ProcessRunner : ICommandRunner
{
    private const int NoSuchFile = 2;
    private const int PermissionDenied = 13;

    public async Task<CommandResult> RunAsync(ExternalCommand command, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(command);
        cancellationToken.ThrowIfCancellationRequested();
        RefuseSecretsInArguments(command);

        var output = new OutputLines(command.StandardOutput, line => line);
        var error = new OutputLines(command.StandardError, new Redactor(command.Secrets).Redact);
        using var program = Start(command, Describe(command, output, error));
        try
        {
            await program.WaitForExitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            await program.EndAsync(command.GracePeriod);
            throw;
        }

        var result = await program.FinishAsync();
        output.ThrowIfFailed();
        error.ThrowIfFailed();
        return new CommandResult(result.ExitCode, output.ToString(), error.ToString(), result.RunTime);
    }

    private static Command Describe(ExternalCommand command, OutputLines output, OutputLines error)
    {
        var user = command.RunAs is { } name && System.Environment.IsPrivilegedProcess && !OperatingSystem.IsWindows() ? UserAccount.Find(name) : null;
        var environment = new Dictionary<string, string?>();
        IEnumerable<string> arguments = command.Arguments;
        if (user is not null)
        {
            // setpriv answers a missing program with its own exit code; look first, so that it is told as what it is.
            arguments = [$"--reuid={user.UserId}", $"--regid={user.GroupId}", "--init-groups", "--", Programs.Resolve(command.FileName), .. arguments];
            environment["HOME"] = user.Home;
            environment["USER"] = user.Name;
            environment["LOGNAME"] = user.Name;
        }

        foreach (var (variable, value) in command.Environment)
            environment[variable] = value;
        // Not Cli.Wrap, which asks for the current folder: there may be none any more.
        return new Command(
            user is null ? command.FileName : Programs.Find("setpriv"),
            arguments: "",
            // The folder of this process may be closed to the other user.
            command.WorkingDirectory ?? (user is null ? "" : "/"),
            ResourcePolicy.Default,
            Credentials.Default,
            environment,
            CommandResultValidation.None,
            command.Input is null ? PipeSource.Null : PipeSource.FromString(command.Input, Encoding.UTF8),
            PipeTarget.ToDelegate(output.Add, Encoding.UTF8),
            PipeTarget.ToDelegate(error.Add, Encoding.UTF8))
            .WithArguments(arguments);
    }

    private static RunningProgram Start(ExternalCommand command, Command described)
    {
        if (command.WorkingDirectory is { } folder && !Directory.Exists(folder))
            throw NotRunnable(command, $"the working folder {folder} does not exist", null);
        try
        {
            return new RunningProgram(described);
        }
        catch (Win32Exception exception)
        {
            // CliWrap's own has no error number.
            throw (exception.InnerException as Win32Exception)?.NativeErrorCode switch
            {
                NoSuchFile => Programs.Missing(command.FileName, exception),
                PermissionDenied => NotRunnable(command, "permission denied", exception),
                _ => NotRunnable(command, "the system refused to start it", exception),
            };
        }
    }

    private static MigrationException NotRunnable(ExternalCommand command, string cause, Exception? inner) =>
        new(
            "ProgramNotRunnable",
            ErrorKind.ResourceUnavailable,
            $"{command.FileName} could not be run: {cause}.",
            $"Check the permissions of {command.FileName} and of its folder, then run the same command again.",
            inner)
        {
            Subject = command.FileName,
        };

    private static void RefuseSecretsInArguments(ExternalCommand command)
    {
        foreach (var argument in command.Arguments)
        {
            // A short password may well be part of a harmless word; it is one only where a connection string holds it.
            var mayHoldPassword = argument.Contains("://", StringComparison.Ordinal) || argument.Contains("password=", StringComparison.OrdinalIgnoreCase);
            if (mayHoldPassword && Redactor.Redact(argument, command.Secrets) != argument)
                throw new ArgumentException($"An argument of {Path.GetFileName(command.FileName)} holds a secret; everybody on the machine could read it.", nameof(command));
        }
    }
}
