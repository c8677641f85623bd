using System.CommandLine;
using HerokuMigrator.Reporting;

namespace HerokuMigrator.Cli;

/// <summary>Makes a verb of an engine's call: reads options, asks where it must, shows the result or the failure.</summary>
internal sealed class VerbFactory(CommonOptions common, Terminal terminal)
{
    /// <summary>A verb that changes nothing.</summary>
    public Command Reading<T>(
        string name, string description, Func<Migrator, ParseResult, CancellationToken, Task<T>> call,
        Action<T, TextWriter, Paint> show, Func<T, int>? exitCode = null, Action<ParseResult>? validate = null) =>
        Make(name, description, (parsed, options, token) => CallAsync(parsed, options, call, show, exitCode, token), validate);

    /// <summary>A verb that changes nothing, and shows what it has found by itself, as it comes.</summary>
    public Command Telling(
        string name, string description, Func<Migrator, ParseResult, CancellationToken, Task> call, Action<ParseResult>? validate = null) =>
        Make(
            name,
            description,
            async (parsed, options, token) => await EngineAsync(parsed, options, async migrator =>
            {
                await call(migrator, parsed, token);
                return ExitCode.Done;
            }),
            validate);

    /// <summary>A verb that changes something, and can say what with --what-if.</summary>
    public Command Changing<T>(
        string name, string description, Func<Migrator, ParseResult, CancellationToken, Task<T>> call, Action<T, TextWriter, Paint> show,
        Func<Migrator, ParseResult, CancellationToken, Task<OperationPlan>>? describe = null, Action<ParseResult>? validate = null, Func<T, int>? exitCode = null)
    {
        var whatIf = WhatIf();
        describe ??= (migrator, _, token) => migrator.DescribeAsync(name, token);
        var command = Make(name, description, (parsed, options, token) => parsed.GetValue(whatIf)
            ? CallAsync(parsed, options, describe, ResultText.Write, exitCode: null, token)
            : CallAsync(parsed, options, call, show, exitCode, token), validate);
        command.Options.Add(whatIf);
        return command;
    }

    /// <summary>A verb that asks before it acts, unless --force is given.</summary>
    public Command Guarded<T>(
        string name, string description, Func<Migrator, ParseResult, CancellationToken, Task<T>> call, Action<T, TextWriter, Paint> show,
        Func<Migrator, ParseResult, CancellationToken, Task<OperationPlan>>? describe = null, Func<ParseResult, bool>? asks = null, Func<T, int>? exitCode = null)
    {
        describe ??= (migrator, _, token) => migrator.DescribeAsync(name, token);
        var whatIf = WhatIf();
        var force = new Option<bool>("--force", "--yes", "-y") { Description = "do not ask; skips no safety check" };
        var command = Make(name, description, async (parsed, options, token) =>
        {
            if (parsed.GetValue(whatIf))
            {
                return await CallAsync(parsed, options, describe, ResultText.Write, exitCode: null, token);
            }

            if (!parsed.GetValue(force) && asks?.Invoke(parsed) != false)
            {
                await ConfirmAsync(name, parsed, options, describe, token);
            }

            return await CallAsync(parsed, options, call, show, exitCode, token);
        });
        command.Options.Add(whatIf);
        command.Options.Add(force);
        return command;
    }

    private static Option<bool> WhatIf() => new("--what-if") { Description = "say what would be done, and change nothing" };

    private Command Make(
        string name, string description, Func<ParseResult, MigratorOptions, CancellationToken, Task<int>> run, Action<ParseResult>? validate = null)
    {
        var command = new Command(name, description);
        command.SetAction(async (parsed, token) =>
        {
            var asJson = common.AsJson(parsed);
            MigratorOptions options;
            try
            {
                options = common.Read(parsed);
                options.Validate();
                validate?.Invoke(parsed);
            }
            catch (MigrationException exception)
            {
                terminal.Fail(exception, asJson);
                return ExitCode.Usage;
            }

            foreach (var secret in common.ShownSecrets(parsed))
            {
                terminal.Error.WriteLine($"{terminal.ErrorPaint.Yellow("warning")}: {secret} can be read in the process list; use env:NAME or file:PATH.");
            }

            return await GuardAsync(() => run(parsed, options, token), asJson, token);
        });
        return command;
    }

    private async Task<int> GuardAsync(Func<Task<int>> run, bool asJson, CancellationToken cancellationToken)
    {
        try
        {
            return await run();
        }
        catch (MigrationException exception)
        {
            terminal.Fail(exception, asJson);
            return ExitCode.Of(exception);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            terminal.Fail(CliErrors.Interrupted(), asJson);
            return ExitCode.Failed;
        }
        catch (Exception exception)
        {
            terminal.Fail(CliErrors.Unexpected(exception), asJson);
            return ExitCode.Failed;
        }
    }

    private async Task<int> CallAsync<T>(
        ParseResult parsed, MigratorOptions options, Func<Migrator, ParseResult, CancellationToken, Task<T>> call,
        Action<T, TextWriter, Paint> show, Func<T, int>? exitCode, CancellationToken cancellationToken)
    {
        var result = await EngineAsync(parsed, options, migrator => call(migrator, parsed, cancellationToken));
        Show(result, parsed, show);
        return exitCode?.Invoke(result) ?? ExitCode.Done;
    }

    private async Task ConfirmAsync(
        string operation, ParseResult parsed, MigratorOptions options, Func<Migrator, ParseResult, CancellationToken, Task<OperationPlan>> describe, CancellationToken cancellationToken)
    {
        var command = $"{CommandLine.ProgramName} {operation}";
        if (!terminal.CanAsk)
        {
            throw FaceErrors.ConfirmationRequired(command, "--force");
        }

        var plan = await EngineAsync(parsed, options, migrator => describe(migrator, parsed, cancellationToken));
        ResultText.Write(plan, terminal.Error, terminal.ErrorPaint);
        if (!terminal.Ask("Go on?"))
        {
            throw CliErrors.Declined(command);
        }
    }

    private async Task<T> EngineAsync<T>(ParseResult parsed, MigratorOptions options, Func<Migrator, Task<T>> call)
    {
        using var events = new ConsoleEvents(terminal, common.IsVerbose(parsed));
        await using var migrator = new Migrator(options, events);
        return await call(migrator);
    }

    private void Show<T>(T result, ParseResult parsed, Action<T, TextWriter, Paint> show)
    {
        if (common.AsJson(parsed))
        {
            terminal.Output.WriteLine(ResultJson.Of(result));
        }
        else
        {
            show(result, terminal.Output, terminal.OutputPaint);
        }
    }
}
