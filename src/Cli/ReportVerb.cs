using System.CommandLine;
using HerokuMigrator.Reporting;

namespace HerokuMigrator.Cli;

/// <summary>The verb <c>report</c>.</summary>
internal sealed class ReportVerb
{
    private readonly Option<string> _out = new("--out", "-o") { Description = "the HTML file to write; its folder must exist", HelpName = "file", Required = true };
    private readonly Option<bool> _diagnostics = new("--diagnostics") { Description = "write a JSON file for a support ticket beside it too, without passwords" };
    private readonly Option<bool> _force = new("--force") { Description = "replace files that exist" };

    public static Command Build(VerbFactory verbs)
    {
        var verb = new ReportVerb();
        var command = verbs.Reading("report", "write a report of the migration: one HTML file with verdict, charts, comparisons and the switch", verb.RunAsync, Show, validate: parsed => verb.FileOf(parsed));
        foreach (Option option in (Option[])[verb._out, verb._diagnostics, verb._force])
        {
            command.Options.Add(option);
        }

        return command;
    }

    private MigrationReportFile FileOf(ParseResult parsed) =>
        MigrationReportFile.At(parsed.GetValue(_out)!, parsed.GetValue(_diagnostics), parsed.GetValue(_force));

    private async Task<Written> RunAsync(Migrator migrator, ParseResult parsed, CancellationToken cancellationToken)
    {
        var file = FileOf(parsed);
        await migrator.WriteReportAsync(file, cancellationToken);
        return new Written(file.PagePath, file.DiagnosticsPath);
    }

    private static void Show(Written written, TextWriter output, Paint paint)
    {
        output.WriteLine($"report: {written.Report}");
        if (written.Diagnostics is { } diagnostics)
        {
            output.WriteLine($"diagnostics: {diagnostics}");
        }
    }

    /// <summary>The paths of the files.</summary>
    private sealed record Written(string Report, string? Diagnostics);
}
