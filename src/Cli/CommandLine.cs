using System.CommandLine;

namespace HerokuMigrator.Cli;

/// <summary>The verbs and their options.</summary>
internal static class CommandLine
{
    public const string ProgramName = "heroku-migrator";
    public const string WorkerVerb = "worker";

    public static RootCommand Build(Terminal terminal)
    {
        var common = new CommonOptions();
        var root = new RootCommand("Moves a live Heroku Postgres database to another Postgres with seconds of blocked writes and no lost row.");
        foreach (var option in common.All)
        {
            root.Options.Add(option);
        }

        var verbs = new VerbFactory(common, terminal);
        root.Subcommands.Add(TestVerb.Build(verbs));
        root.Subcommands.Add(Start(verbs, common));
        root.Subcommands.Add(StatusVerb.Build(verbs, common, terminal));
        root.Subcommands.Add(verbs.Changing("suspend", "pause replication; changes go on being captured",
            (migrator, _, token) => migrator.SuspendAsync(token), ResultText.Write));
        root.Subcommands.Add(verbs.Changing("resume", "let a suspended replication go on",
            (migrator, _, token) => migrator.ResumeAsync(token), ResultText.Write));
        root.Subcommands.Add(VerifyVerb.Build(verbs));
        root.Subcommands.Add(SwitchVerb.Build(verbs));
        root.Subcommands.Add(verbs.Guarded("undo", "open the source for writes again, with exactly the privileges of before",
            (migrator, _, token) => migrator.UndoSwitchAsync(token), ResultText.Write));
        root.Subcommands.Add(verbs.Guarded("complete", "remove every trace from the source, and the state from the target",
            (migrator, _, token) => migrator.CompleteAsync(token), ResultText.Write));
        root.Subcommands.Add(Stop(verbs));
        root.Subcommands.Add(LogVerb.Build(verbs, common, terminal));
        root.Subcommands.Add(ReportVerb.Build(verbs));
        root.Subcommands.Add(Worker(common));
        return root;
    }

    private static Command Start(VerbFactory verbs, CommonOptions common)
    {
        var jobs = new Option<int?>("--jobs") { Description = "streams of the copy side by side; 0 leaves it to the program again" };
        var indexJobs = new Option<int?>("--index-jobs") { Description = "indexes and constraints that are built side by side; 0 leaves it to the program again" };
        var rate = new Option<double?>("--max-rate-mbps") { Description = "what the copy may move, in MB (1,000,000 bytes) a second; 0 takes the limit away" };
        var compare = new Option<double?>("--compare-every-hours") { Description = "compare each table in the background while the migration replicates, again after so many hours; 0: not at all" };
        var noWait = new Option<bool>("--no-wait") { Description = "end once the worker has taken over" };
        var carryOver = new Option<bool>("--carry-over") { Description = "bring tables, columns, indexes and sequences that were made on the source since the start to the target, as far as that is safe" };
        var keyless = new Option<KeylessTable?>("--keyless-table") { Description = "tables without a usable key: copy (again under the fence where written), skip (made, but left empty), or refuse; default: copy" };
        var command = verbs.Changing("start", "schema, capture, initial copy, replication; goes on where it was interrupted",
            (migrator, parsed, token) => migrator.StartAsync(Read(parsed), token), ResultText.Write,
            (migrator, parsed, token) => migrator.DescribeStartAsync(Read(parsed), token), parsed => Read(parsed).Validate());
        foreach (Option option in (Option[])[jobs, indexJobs, rate, keyless, compare, noWait, carryOver, common.NotificationUri])
        {
            command.Options.Add(option);
        }

        return command;

        StartOptions Read(ParseResult parsed) =>
            new()
            {
                Jobs = parsed.GetValue(jobs),
                IndexJobs = parsed.GetValue(indexJobs),
                MaxRateMBps = parsed.GetValue(rate),
                KeylessTable = parsed.GetValue(keyless),
                CompareEveryHours = parsed.GetValue(compare),
                NoWait = parsed.GetValue(noWait),
                CarryOver = parsed.GetValue(carryOver),
            };
    }

    private static Command Stop(VerbFactory verbs)
    {
        var abandon = new Option<bool>("--abandon-target") { Description = "clean the source although the target cannot be reached, or has lost the migration's state" };
        var command = verbs.Guarded("stop", "give the migration up, from any phase, and remove every trace from the source",
            (migrator, parsed, token) => migrator.StopAsync(new StopOptions { AbandonTarget = parsed.GetValue(abandon) }, token),
            ResultText.Write);
        command.Options.Add(abandon);
        return command;
    }

    private static Command Worker(CommonOptions common)
    {
        var command = new Command(WorkerVerb, "copy, and watch over replication; started by the other verbs") { Hidden = true };
        command.SetAction((parsed, _) => WorkerProgram.RunAsync(new MigratorOptions { Name = common.NameOf(parsed) }, Console.Out));
        return command;
    }
}
