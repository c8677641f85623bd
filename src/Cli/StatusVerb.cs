using System.CommandLine;

namespace HerokuMigrator.Cli;

/// <summary>The verb <c>status</c>: where the migration stands, once, until it is ready, or as a live view.</summary>
internal static class StatusVerb
{
    /// <summary>The longest that a timer of .NET can be set to, in seconds.</summary>
    private const int LongestWait = int.MaxValue / 1000;

    public static Command Build(VerbFactory verbs, CommonOptions common, Terminal terminal)
    {
        var wait = new Option<bool>("--wait") { Description = "wait until the migration is ready to switch" };
        var watch = new Option<bool>("--watch") { Description = "a live view until the migration has ended, or Ctrl-C; without a terminal a line for each phase, and one a minute" };
        var timeout = Numbers.Option("--timeout-sec", "how long --wait waits, in seconds; default: about 24 days", LongestWait, 1, LongestWait);
        var command = verbs.Reading(
            "status",
            "where the migration stands",
            (migrator, parsed, token) =>
                parsed.GetValue(watch) ? WatchAsync(migrator, terminal, common.AsJson(parsed), token)
                : parsed.GetValue(wait) ? migrator.WaitUntilReadyAsync(TimeSpan.FromSeconds(parsed.GetValue(timeout)), token)
                : migrator.GetStatusAsync(token),
            ResultText.Write);
        command.Validators.Add(result =>
        {
            if (result.GetValue(wait) && result.GetValue(watch))
            {
                result.AddError("--wait and --watch exclude each other.");
            }
        });
        command.Options.Add(wait);
        command.Options.Add(watch);
        command.Options.Add(timeout);
        return command;
    }

    /// <summary>Ctrl-C is the ordinary end: the last look is the result then.</summary>
    private static async Task<SyncStatus> WatchAsync(Migrator migrator, Terminal terminal, bool asJson, CancellationToken cancellationToken)
    {
        SyncStatus? last = null;
        using var view = new LiveTerminal(terminal, asJson);
        try
        {
            return await migrator.FollowAsync(
                (live, _) =>
                {
                    last = live.Status;
                    view.Show(live);
                    return Task.CompletedTask;
                },
                cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested && last is not null)
        {
            return last;
        }
    }
}
