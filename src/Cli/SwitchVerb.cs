using System.CommandLine;

namespace HerokuMigrator.Cli;

/// <summary>The verb <c>switch</c>.</summary>
internal sealed class SwitchVerb
{
    private static readonly SwitchOptions Defaults = new();

    private readonly Option<int> _lockTimeout = Numbers.Option(
        "--lock-timeout-ms", "how long one attempt waits for the locks of the fence, in milliseconds", Defaults.LockTimeoutMs, 100, 60_000);

    private readonly Option<int?> _timeout = Numbers.Option(
        "--timeout-sec", $"how long writes may be held back in all, in seconds; after that everything is put back; default: {Defaults.TimeoutSeconds}, in a rehearsal {SwitchOptions.RehearsalSeconds}", 1, 86_400);

    private readonly Option<int> _compareBudget = Numbers.Option(
        "--compare-budget-ms", "how long contents are compared under the fence, in milliseconds; what differs ends the switch; 0: not at all", Defaults.CompareBudgetMs, 0, 600_000);

    private readonly Option<bool> _allowDifferences = new("--allow-differences") { Description = "switch although rows differed when they were compared last" };
    private readonly Option<bool> _terminateBlockers = new("--terminate-blockers") { Description = "end the sessions whose transactions keep the fence out, once its first attempt has failed" };
    private readonly Option<bool> _rehearse = new("--rehearse") { Description = "do all of it but the handing over, then let writes go on: tells what a switch would take" };
    private readonly Option<bool> _lockOnly = new("--lock-only") { Description = "with --rehearse: only try for the locks, once, and tell who is in the way; exit code 1 where somebody is" };

    public static Command Build(VerbFactory verbs)
    {
        var verb = new SwitchVerb();
        var command = verbs.Guarded(
            "switch", "hold back writes on the source, prove the target complete, hand over",
            (migrator, parsed, token) => migrator.SwitchAsync(verb.Read(parsed), token), ResultText.Write,
            (migrator, parsed, token) => migrator.DescribeSwitchAsync(verb.Read(parsed), token),
            parsed => !parsed.GetValue(verb._lockOnly),
            done => done is { IsRehearsal: true, WritePauseMs: null } ? ExitCode.Failed : ExitCode.Done);
        foreach (Option option in (Option[])[verb._lockTimeout, verb._timeout, verb._compareBudget, verb._allowDifferences, verb._terminateBlockers, verb._rehearse, verb._lockOnly])
        {
            command.Options.Add(option);
        }

        command.Validators.Add(result =>
        {
            if (result.GetValue(verb._lockOnly) && !result.GetValue(verb._rehearse))
            {
                result.AddError("--lock-only goes with --rehearse.");
            }
        });
        return command;
    }

    private SwitchOptions Read(ParseResult parsed) => new()
    {
        LockTimeoutMs = parsed.GetValue(_lockTimeout),
        TimeoutSeconds = parsed.GetValue(_timeout) ?? (parsed.GetValue(_rehearse) ? SwitchOptions.RehearsalSeconds : Defaults.TimeoutSeconds),
        CompareBudgetMs = parsed.GetValue(_compareBudget),
        AllowDifferences = parsed.GetValue(_allowDifferences),
        TerminateBlockers = parsed.GetValue(_terminateBlockers),
        Rehearse = parsed.GetValue(_rehearse),
        LockOnly = parsed.GetValue(_lockOnly),
    };
}
