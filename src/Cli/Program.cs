using System.CommandLine;
using System.CommandLine.Invocation;
using System.Runtime.InteropServices;

namespace HerokuMigrator.Cli;

internal static class Program
{
    /// <summary>How long an interrupted operation may take to put things in order.</summary>
    private static readonly TimeSpan CleanupTime = TimeSpan.FromSeconds(10);

    public static async Task<int> Main(string[] args)
    {
        using var stop = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Cancel);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Cancel);
        return await RunAsync(args, new Terminal(Console.In, Console.Out, Console.Error), stop.Token);

        void Cancel(PosixSignalContext context)
        {
            // A second signal ends the program at once.
            context.Cancel = !stop.IsCancellationRequested;
            stop.Cancel();
        }
    }

    public static async Task<int> RunAsync(string[] args, Terminal terminal, CancellationToken cancellationToken)
    {
        var asJson = args.Contains("--json");

        // Response files are off: a password may begin with an @.
        var parsed = CommandLine.Build(terminal).Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Action is ParseErrorAction)
        {
            return Usage(parsed, terminal, asJson);
        }

        var running = parsed.InvokeAsync(
            new InvocationConfiguration
            {
                Output = terminal.Output,
                Error = terminal.Error,
                ProcessTerminationTimeout = null,
                EnableDefaultExceptionHandler = false,
            },
            cancellationToken);
        if (await Task.WhenAny(running, OverdueAsync(cancellationToken)) == running)
        {
            return await running;
        }

        terminal.Fail(CliErrors.Interrupted(), asJson);
        return ExitCode.Failed;
    }

    /// <summary>Ends when an interrupted operation has had its time.</summary>
    private static async Task OverdueAsync(CancellationToken cancellationToken)
    {
        var interrupted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = cancellationToken.Register(interrupted.SetResult);
        await interrupted.Task;
        await Task.Delay(CleanupTime, CancellationToken.None);
    }

    private static int Usage(ParseResult parsed, Terminal terminal, bool asJson)
    {
        var problems = string.Join(" ", parsed.Errors.Select(error => ConnectionText.Hide(error.Message)));
        var command = parsed.CommandResult.Command is RootCommand ? CommandLine.ProgramName : $"{CommandLine.ProgramName} {parsed.CommandResult.Command.Name}";
        terminal.Fail(CliErrors.Usage(problems, command), asJson);
        return ExitCode.Usage;
    }
}
