namespace HerokuMigrator.Lab;

/// <summary>The lab as a program: <c>demo</c>, <c>corpus</c>, and <c>serve</c> for trying things by hand.</summary>
internal static class LabCommandLine
{
    private const string Usage = """
        usage: HerokuMigrator.Lab demo --face console --console FILE | --face pwsh --module PATH
                                       [--scale N] [--rate N] [--clients N]
               HerokuMigrator.Lab serve [--tiny] [--scale N] [--rate N] [--clients N]
               HerokuMigrator.Lab corpus --all | --schema NAME[,NAME] [--at-a-time N]
                                         [--rows N] [--statements N] [--out FILE.md]
               HerokuMigrator.Lab bench-readiness --console FILE [--tables N,N] [--runs N]
               HerokuMigrator.Lab bench-copy --console FILE [--scale N] [--runs N] [--jobs N] [--ways NAME,NAME] [--once NAME,NAME] [--time-left]
               HerokuMigrator.Lab bench-estimates --console FILE [--shapes NAME,NAME] [--runs N]
               HerokuMigrator.Lab bench-catchup --console FILE [--changes N,N] [--ways stock,ours] [--limit SECONDS] [--bulk N]
               HerokuMigrator.Lab bench-compare --console FILE [--scale N] [--runs N] | --soak MINUTES [--rate N]
               HerokuMigrator.Lab bench-scale --console FILE [--tables N,N] [--stall N]
               HerokuMigrator.Lab bench-switch --console FILE [--rounds N] [--rate N] [--clients N] [--long N] [--scale N] [--forerunner]

          demo    moves a live database from one server to another through the face that is named, checks everything,
                  and prints an account; ends with 1 where anything is not as it must be
          serve   starts a Heroku-like and a PlanetScale-like server, fills the first, writes to it where a rate
                  is given, prints HEROKU_URL and PLANETSCALE_URL for a shell to evaluate, and stops when its
                  input ends or on SIGINT or SIGTERM
          corpus  moves schemas of real applications, which lie beside the checkout, under live writes; holds what each
                  move met against its readiness report, and writes the table of docs/readiness-of-the-corpus.md;
                  ends with 1 where one is not equal or met what was not foretold
          bench   what the scripts in bench run; see docs/performance.md
        """;

    public static async Task<int> RunAsync(string[] arguments, CancellationToken cancellationToken)
    {
        try
        {
            return arguments switch
            {
                ["serve", .. var rest] => await Serve.RunAsync(LabArguments.Parse(rest, ["tiny"], ["scale", "rate", "clients"]), cancellationToken),
                ["corpus", .. var rest] => await CorpusCommand.RunAsync(LabArguments.Parse(rest, ["all"], ["schema", "out", "rows", "statements", "at-a-time"]), cancellationToken),
                ["bench-readiness", .. var rest] => await ReadinessBench.RunAsync(LabArguments.Parse(rest, [], ["console", "tables", "runs"]), cancellationToken),
                ["bench-copy", .. var rest] => await CopyBench.RunAsync(LabArguments.Parse(rest, ["time-left"], ["console", "scale", "runs", "jobs", "ways", "once"]), cancellationToken),
                ["bench-estimates", .. var rest] => await EstimateBench.RunAsync(LabArguments.Parse(rest, [], ["console", "shapes", "runs"]), cancellationToken),
                ["bench-catchup", .. var rest] => await CatchUpBench.RunAsync(LabArguments.Parse(rest, [], ["console", "changes", "ways", "limit", "bulk"]), cancellationToken),
                ["bench-compare", .. var rest] => await CompareBench.RunAsync(LabArguments.Parse(rest, [], ["console", "scale", "runs", "soak", "rate"]), cancellationToken),
                ["bench-scale", .. var rest] => await ScaleBench.RunAsync(LabArguments.Parse(rest, [], ["console", "tables", "stall"]), cancellationToken),
                ["bench-switch", .. var rest] => await SwitchBench.RunAsync(LabArguments.Parse(rest, ["forerunner"], ["console", "rounds", "rate", "clients", "long", "scale"]), cancellationToken),
                ["demo", .. var rest] => await RunDemoAsync(LabArguments.Parse(rest, [], ["face", "console", "module", "scale", "rate", "clients"]), cancellationToken),
                _ => throw new LabUsageException(Usage),
            };
        }
        catch (LabUsageException exception)
        {
            await Console.Error.WriteLineAsync(exception.Message);
            return 2;
        }
        catch (Exception exception) when (exception is LabException or DemoException)
        {
            await Console.Error.WriteLineAsync(exception.Message);
            return 1;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            await Console.Error.WriteLineAsync("Stopped.");
            return 130;
        }
    }

    private static async Task<int> RunDemoAsync(LabArguments arguments, CancellationToken cancellationToken)
    {
        var options = new DemoOptions(
            arguments.Text("face") ?? "",
            arguments.Text("console"),
            arguments.Text("module"),
            arguments.Number("rate", 300),
            (int)arguments.Number("clients", 8),
            arguments.Number("scale", 1));
        if (options is not ({ Face: "console", Console: not null } or { Face: "pwsh", Module: not null }))
        {
            throw new LabUsageException(Usage);
        }

        await using var demo = new DemoRun(options, new DemoAccount(Console.Out));
        try
        {
            await demo.RunAsync(cancellationToken);
            return 0;
        }
        catch (Exception exception) when (exception is DemoException or TimeoutException)
        {
            await Console.Error.WriteLineAsync($"\n{exception.Message}");
            return 1;
        }
    }
}
