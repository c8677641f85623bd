using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using System.Text;

namespace HerokuMigrator.Processes;

/// <summary>
/// <see cref="ICommandRunner"/> over System.Diagnostics.Process: all that knows of it is in this file,
/// so that a library such as CliWrap can take its place.
/// </summary>
public sealed class ProcessRunner : ICommandRunner
{
    private const int TailCharacters = 1_000_000;
    private const int Interrupt = 2;
    private const int Terminate = 15;

    // A daemon that the program left behind may hold its pipes for ever; what was written until then is read by now.
    private static readonly TimeSpan PipesAfterExit = TimeSpan.FromSeconds(1);

    public async Task<CommandResult> RunAsync(ExternalCommand command, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(command);
        cancellationToken.ThrowIfCancellationRequested();
        RefuseSecretsInArguments(command);

        var redactor = new Redactor(command.Secrets);
        using var process = new Process { StartInfo = Describe(command) };
        var started = Stopwatch.GetTimestamp();
        Start(process, command);

        var output = ReadAsync(process.StandardOutput, command.StandardOutput, line => line);
        var error = ReadAsync(process.StandardError, command.StandardError, redactor.Redact);
        var input = WriteAsync(process.StandardInput, command.Input);
        try
        {
            await process.WaitForExitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            await EndAsync(process, command.GracePeriod);
            await SettleAsync(output.Done, error.Done, input);
            throw;
        }

        var elapsed = Stopwatch.GetElapsedTime(started);
        await SettleAsync(output.Done, error.Done, input);
        return new CommandResult(process.ExitCode, output.Text(), error.Text(), elapsed);
    }

    private static ProcessStartInfo Describe(ExternalCommand command)
    {
        var user = command.RunAs is { } name && System.Environment.IsPrivilegedProcess && !OperatingSystem.IsWindows() ? UserAccount.Find(name) : null;
        var start = new ProcessStartInfo
        {
            FileName = user is null ? command.FileName : Programs.Find("setpriv"),
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardInputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false),
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
            // The folder of this process may be closed to the other user.
            WorkingDirectory = command.WorkingDirectory ?? (user is null ? "" : "/"),
        };
        if (user is not null)
        {
            // setpriv answers a missing program with its own exit code; look first, so that it is told as what it is.
            string[] prefix = [$"--reuid={user.UserId}", $"--regid={user.GroupId}", "--init-groups", "--", Programs.Resolve(command.FileName)];
            foreach (var argument in prefix)
                start.ArgumentList.Add(argument);
            start.Environment["HOME"] = user.Home;
            start.Environment["USER"] = user.Name;
            start.Environment["LOGNAME"] = user.Name;
        }

        foreach (var argument in command.Arguments)
            start.ArgumentList.Add(argument);
        foreach (var (variable, value) in command.Environment)
            _ = value is null ? start.Environment.Remove(variable) : start.Environment.TryAdd(variable, value) || (start.Environment[variable] = value) is not null;
        return start;
    }

    private static void Start(Process process, ExternalCommand command)
    {
        if (command.WorkingDirectory is { } folder && !Directory.Exists(folder))
            throw NotRunnable(command, $"the working folder {folder} does not exist", null);
        try
        {
            process.Start();
        }
        catch (Win32Exception exception) when (exception.NativeErrorCode == 2)
        {
            throw Programs.Missing(command.FileName, exception);
        }
        catch (Win32Exception exception)
        {
            throw NotRunnable(command, exception.NativeErrorCode == 13 ? "permission denied" : "the system refused to start it", exception);
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

    private static async Task WriteAsync(StreamWriter writer, string? input)
    {
        try
        {
            await using (writer)
            {
                if (input is not null)
                    await writer.WriteAsync(input);
            }
        }
        catch (IOException)
        {
            // The program ended, or closed its input, before it read everything: its exit code tells whether that was wrong.
        }
    }

    private static (Task Done, Func<string> Text) ReadAsync(StreamReader reader, Action<string>? handler, Func<string, string> redact)
    {
        var kept = new StringBuilder();
        var gate = new Lock();
        return (PumpAsync(), Text);

        string Text()
        {
            lock (gate)
                return kept.ToString();
        }

        async Task PumpAsync()
        {
            Exception? failure = null;
            while (await ReadLineAsync(reader) is { } read)
            {
                var line = redact(read);
                lock (gate)
                {
                    kept.Append(line).Append('\n');
                    if (handler is not null && kept.Length > 2 * TailCharacters)
                        kept.Remove(0, kept.Length - TailCharacters);
                }

                // A pipe that nobody reads would stop the program for ever: read on, and fail in the end.
                try
                {
                    if (failure is null)
                        handler?.Invoke(line);
                }
                catch (Exception exception)
                {
                    failure = exception;
                }
            }

            if (failure is not null)
                ExceptionDispatchInfo.Throw(failure);
        }
    }

    private static async Task<string?> ReadLineAsync(StreamReader reader)
    {
        try
        {
            return await reader.ReadLineAsync();
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            // The pipe was given up: see PipesAfterExit.
            return null;
        }
    }

    /// <summary>Waits a bounded time for the pipes. A handler's exception comes through.</summary>
    private static async Task SettleAsync(params Task[] pipes)
    {
        try
        {
            await Task.WhenAll(pipes).WaitAsync(PipesAfterExit);
        }
        catch (TimeoutException)
        {
            // Held by a daemon.
        }
    }

    private static async Task EndAsync(Process process, TimeSpan gracePeriod)
    {
        // Taken first: once the program is gone, nothing tells which processes were its children.
        var tree = ProcessTree.Below(process.Id);
        try
        {
            if (!OperatingSystem.IsWindows())
            {
                // SIGINT makes psql and pg_dump cancel their query on the server; SIGTERM is for those that ignore it.
                if (await SignalAsync(process, Interrupt, gracePeriod / 2) || await SignalAsync(process, Terminate, gracePeriod / 2))
                    return;
            }

            tree = [.. tree, .. ProcessTree.Below(process.Id)];
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(CancellationToken.None);
        }
        catch (Exception exception) when (exception is InvalidOperationException or Win32Exception or AggregateException)
        {
            // It ended meanwhile.
        }
        finally
        {
            foreach (var member in tree)
                member.Kill();
        }
    }

    private static async Task<bool> SignalAsync(Process process, int signal, TimeSpan wait)
    {
        if (process.HasExited)
            return true;
        _ = SendSignal(process.Id, signal);
        using var limit = new CancellationTokenSource(wait);
        try
        {
            await process.WaitForExitAsync(limit.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SendSignal(int processId, int signal);
}
