using System.CommandLine;
using HerokuMigrator.Reporting;

namespace HerokuMigrator.Cli;

/// <summary>The verb <c>test</c>: which checks, and where their report goes.</summary>
internal sealed class TestVerb
{
    private readonly Option<string[]> _include = Ids("--include", "run only the checks of these ids");
    private readonly Option<string[]> _exclude = Ids("--exclude", "leave out the checks of these ids, also where --include names them");
    private readonly Option<bool> _quiet = new("--quiet", "-q") { Description = "print nothing, and tell by the exit code: 0 ready, 3 blocked; with --json: true or false" };

    private readonly Option<string?> _outFile = new("--out-file", "-o")
    {
        Description = "write the report to this file too: .md to read, .json with all of it, .csv with the server settings that differ; a file that exists is replaced",
        HelpName = "path",
    };

    private readonly Option<bool> _noClobber = new("--no-clobber") { Description = "refuse to replace a file that exists" };

    public static Command Build(VerbFactory verbs)
    {
        var verb = new TestVerb();
        var command = verbs.Reading(
            "test", "look at everything that can fail later, before anything is touched", verb.RunAsync, Show,
            result => result is true or ReadinessReport { IsReady: true } ? ExitCode.Done : ExitCode.Refused, verb.Validate);
        foreach (var option in new Option[] { verb._include, verb._exclude, verb._quiet, verb._outFile, verb._noClobber })
        {
            command.Options.Add(option);
        }

        return command;
    }

    private static Option<string[]> Ids(string name, string description)
    {
        var option = new Option<string[]>(name)
        {
            Description = description + "; * and ? are wildcards, several are set apart by commas, or given each with its own option",
            HelpName = "ids",
            // An empty id is kept, and refused: a script's empty variable must not mean all.
            CustomParser = result => [.. result.Tokens.SelectMany(token => token.Value.Split(',', StringSplitOptions.TrimEntries))],
        };
        option.CompletionSources.Add([.. Migrator.ReadinessCheckIds.Order(StringComparer.Ordinal)]);
        return option;
    }

    private static void Show(object result, TextWriter output, Paint paint)
    {
        if (result is ReadinessReport report)
        {
            ResultText.Write(report, output, paint);
        }
    }

    /// <summary>What was asked for wrongly is told before a database is.</summary>
    private void Validate(ParseResult parsed)
    {
        Selected(parsed).Validate();
        FileOf(parsed);
    }

    private ReadinessOptions Selected(ParseResult parsed) => new()
    {
        Include = parsed.GetValue(_include) ?? [],
        Exclude = parsed.GetValue(_exclude) ?? [],
        WithInventory = parsed.GetValue(_outFile) is not null,
    };

    private ReportFile? FileOf(ParseResult parsed) => parsed.GetValue(_outFile) is { } path ? ReportFile.At(path, parsed.GetValue(_noClobber)) : null;

    /// <summary>The report, or with --quiet only whether it is ready.</summary>
    private async Task<object> RunAsync(Migrator migrator, ParseResult parsed, CancellationToken cancellationToken)
    {
        var report = await migrator.TestReadinessAsync(Selected(parsed), cancellationToken);
        if (FileOf(parsed) is { } file)
        {
            await file.WriteAsync(report, cancellationToken);
        }

        return parsed.GetValue(_quiet) ? report.IsReady : report;
    }
}
