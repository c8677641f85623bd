using System.Globalization;
using System.Text.RegularExpressions;
using HerokuMigrator.Lab;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>What every verb sends to the servers and starts on this machine when it is only asked what it would do.</summary>
public sealed partial class WhatIfSpecs
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task No_verb_sends_a_statement_or_starts_a_program_that_changes_anything()
    {
        await using var heroku = await HerokuLikeServer.StartAsync(StatementLog.ServerOptions, Token);
        await using var planetScale = await PlanetScaleLikeServer.StartAsync(StatementLog.ServerOptions, Token);
        await using var move = new LabMove(await heroku.CreateDatabaseAsync(Token), await planetScale.CreateDatabaseAsync(Token));
        await TinySchema.CreateAsync(move.Source, Token);
        await using var migrator = move.NewMigrator();

        Assert.NotEqual(0, await MustOnlyReadAsync(move, "start"));
        Assert.False(Directory.Exists(move.Home));
        await migrator.StartAsync(Token);
        Assert.Contains(move.Events.Texts, text => text.StartsWith("Command: ", StringComparison.Ordinal));
        await MustOnlyReadAsync(move, "start", "--carry-over");
        await MustOnlyReadAsync(move, "suspend");
        await MustOnlyReadAsync(move, "verify", "--repair");
        Assert.NotEqual(0, await MustOnlyReadAsync(move, "switch"));
        await MustOnlyReadAsync(move, "switch", "--rehearse", "--lock-only");
        await MustOnlyReadAsync(move, "switch", "--terminate-blockers");
        await MustOnlyReadAsync(move, "stop");
        await migrator.SuspendAsync(Token);
        await MustOnlyReadAsync(move, "resume");
        await migrator.ResumeAsync(Token);
        await migrator.SwitchAsync(new SwitchOptions(), Token);
        await MustOnlyReadAsync(move, "undo");
        await MustOnlyReadAsync(move, "complete");
        await migrator.StopAsync(Token);
    }

    /// <returns>How many statements were sent; some verbs need none.</returns>
    private static async Task<int> MustOnlyReadAsync(LabMove move, string verb, params string[] arguments)
    {
        StatementLog[] logs = [new(move.Source.Server), new(move.Target.Server)];
        var answer = await FaceCall.Of(move, verb, [.. arguments, "--what-if"]).RunAsync(Token);
        Assert.True(answer.ExitCode == 0, $"{verb}: {answer.ExitCode}\n{answer.Output}\n{answer.Errors}");
        var application = string.Create(CultureInfo.InvariantCulture, $" pid {answer.ProcessId}");
        var statements = (await Task.WhenAll(logs.Select(log => log.ReadAsync(application, Token)))).SelectMany(sent => sent).ToList();
        Assert.All(statements, sql => Assert.True(Reading().IsMatch(sql) && !Changing().IsMatch(sql), $"{verb} {string.Join(' ', arguments)}: {sql}"));
        await MustStartNothingAsync(move, verb);
        return statements.Count;
    }

    /// <summary>All programs are started by one runner, which tells each.</summary>
    private static async Task MustStartNothingAsync(LabMove move, string verb)
    {
        if (verb == "verify")
        {
            // It has no plan without its options.
            return;
        }

        await using var migrator = move.NewMigrator();
        var before = move.Events.Texts.Count;
        await migrator.DescribeAsync(verb, Token);
        var commands = move.Events.Texts.Skip(before).Where(text => text.StartsWith("Command: ", StringComparison.Ordinal));
        Assert.All(commands, command => Assert.EndsWith("--version", command, StringComparison.Ordinal));
    }

    [GeneratedRegex(@"^\s*(SELECT|WITH|SHOW|SET|RESET|BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|DISCARD|EXPLAIN|CLOSE|UNLISTEN|DEALLOCATE)\b", RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Reading();

    [GeneratedRegex(
        @"\b(INSERT\s+INTO|UPDATE\s+\S+\s+SET|DELETE\s+FROM|SELECT\s.*\sINTO\s|EXPLAIN\s+\(?ANALYZE)\b|;\s*(CREATE|ALTER|DROP|GRANT|REVOKE|TRUNCATE|LOCK|COPY)\b|\b(setval|nextval|pg_terminate_backend|pg_cancel_backend|pg_replication_slot_advance|pg_stat_reset\w*|lo_\w+)\s*\(",
        RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture | RegexOptions.Singleline, 1000)]
    private static partial Regex Changing();
}
