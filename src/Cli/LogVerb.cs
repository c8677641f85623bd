using System.CommandLine;
using System.Globalization;
using HerokuMigrator.Reporting;

namespace HerokuMigrator.Cli;

/// <summary>The verb <c>log</c>. With --json one document; with --follow too, an object a line.</summary>
internal sealed class LogVerb
{
    private readonly Option<MigrationLogLevel> _level = new("--level") { Description = "leave out entries that matter less; what Bucardo does is verbose", DefaultValueFactory = _ => new LogOptions().Level };
    private readonly Option<string?> _since = new("--since") { Description = "leave out entries before this moment, or before so long ago: 90s, 15m, 2h, 3d", HelpName = "moment" };
    private readonly Option<int?> _tail = new("--tail", "-n") { Description = "only so many of the entries that are there, the last ones", HelpName = "number" };
    private readonly Option<bool> _follow = new("--follow", "-f") { Description = "go on with what comes, until the migration has ended, or Ctrl-C" };
    private readonly CommonOptions _common;
    private readonly Terminal _terminal;

    private LogVerb(CommonOptions common, Terminal terminal) => (_common, _terminal) = (common, terminal);

    public static Command Build(VerbFactory verbs, CommonOptions common, Terminal terminal)
    {
        var verb = new LogVerb(common, terminal);
        var command = verbs.Telling("log", "what the migration's programs, its state on the target and its Bucardo told", verb.RunAsync, parsed => verb.Read(parsed).Validate());
        foreach (Option option in (Option[])[verb._level, verb._since, verb._tail, verb._follow])
        {
            command.Options.Add(option);
        }

        return command;
    }

    private LogOptions Read(ParseResult parsed) => new()
    {
        Level = parsed.GetValue(_level),
        Since = parsed.GetValue(_since) is { } since ? LogOptions.ParseSince(since, DateTimeOffset.Now) : null,
        Tail = parsed.GetValue(_tail),
        Follow = parsed.GetValue(_follow),
    };

    private async Task RunAsync(Migrator migrator, ParseResult parsed, CancellationToken cancellationToken)
    {
        var (options, asJson) = (Read(parsed), _common.AsJson(parsed));
        var document = new List<MigrationLogEntry>();
        Action<MigrationLogEntry> tell = (asJson, options.Follow) switch
        {
            (true, true) => entry => WriteLine(ResultJson.LineOf(entry)),
            (true, false) => document.Add,
            _ => entry => WriteLine(TextOf(entry, _terminal.OutputPaint)),
        };
        await migrator.ReadLogAsync(options, tell, cancellationToken);
        if (asJson && !options.Follow)
        {
            WriteLine(ResultJson.Of(document));
        }
    }

    private void WriteLine(string text)
    {
        _terminal.Output.WriteLine(text);
        _terminal.Output.Flush();
    }

    private static string TextOf(MigrationLogEntry entry, Paint paint)
    {
        var time = entry.Time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
        var level = $"{entry.Level,-11}";
        level = entry.Level switch
        {
            MigrationLogLevel.Error => paint.Red(level),
            MigrationLogLevel.Warning => paint.Yellow(level),
            MigrationLogLevel.Information => level,
            _ => paint.Faint(level),
        };
        return $"{paint.Faint(time)} {level} {entry.Source,-7} {string.Join("\n    ", ReportText.Wrap(entry.Message, int.MaxValue))}";
    }
}
