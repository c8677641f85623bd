using System.CommandLine;
using System.CommandLine.Invocation;

namespace HerokuMigrator.Cli;

internal static class Program
{
    /// <summary>How long an interrupted operation may take to put things in order.</summary>
    private static readonly TimeSpan CleanupTime = TimeSpan.FromSeconds(10);

    public static Task<int> Main(string[] args) => RunAsync(args, new Terminal(Console.In, Console.Out, Console.Error));

    public static async Task<int> RunAsync(string[] args, Terminal terminal)
    {
        // Response files are off: a password may begin with an @.
        var parsed = CommandLine.Build(terminal).Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Action is ParseErrorAction)
        {
            return Usage(parsed, terminal, asJson: args.Contains("--json"));
        }

        return await parsed.InvokeAsync(new InvocationConfiguration
        {
            Output = terminal.Output,
            Error = terminal.Error,
            ProcessTerminationTimeout = CleanupTime,
            EnableDefaultExceptionHandler = false,
        });
    }

    private static int Usage(ParseResult parsed, Terminal terminal, bool asJson)
    {
        var problems = string.Join(" ", parsed.Errors.Select(error => ConnectionText.Hide(error.Message)));
        var command = parsed.CommandResult.Command is RootCommand ? CommandLine.ProgramName : $"{CommandLine.ProgramName} {parsed.CommandResult.Command.Name}";
        terminal.Fail(new MigrationException("Usage", ErrorKind.InvalidArgument, problems, $"See {command} --help."), asJson);
        return ExitCode.Usage;
    }
}
