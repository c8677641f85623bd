namespace HerokuMigrator.Reporting;

/// <summary>The file that a migration's report goes into, and the one beside it for a support ticket. Whether they can be written is found out first.</summary>
public sealed class MigrationReportFile
{
    private static readonly OutputFileWords Words = new("Nothing was read.", "give -Force (--force)", "The report was made");

    private readonly OutputFile _page;
    private readonly OutputFile? _diagnostics;

    private MigrationReportFile(OutputFile page, OutputFile? diagnostics) => (_page, _diagnostics) = (page, diagnostics);

    /// <summary>The page, with its whole path.</summary>
    public string PagePath => _page.FullPath;

    /// <summary>The diagnostics, with their whole path; null where none were asked for.</summary>
    public string? DiagnosticsPath => _diagnostics?.FullPath;

    internal bool HasDiagnostics => _diagnostics is not null;

    /// <summary>Throws where a file could not be written, or the page's ending is not .html or .htm.</summary>
    /// <param name="path">A path of the file system; its folder must exist. With diagnostics a second file stands beside it: <c>x.diagnostics.json</c> beside <c>x.html</c>.</param>
    /// <param name="diagnostics">Write that second file too.</param>
    /// <param name="replace">Replace files that exist.</param>
    public static MigrationReportFile At(string path, bool diagnostics, bool replace)
    {
        if (Path.GetExtension(path).ToUpperInvariant() is not (".HTML" or ".HTM"))
        {
            throw FaceErrors.ReportFormatUnknown(path, "neither .html nor .htm", "Name a file that ends with .html.");
        }

        return new MigrationReportFile(
            OutputFile.At(path, !replace, Words), diagnostics ? OutputFile.At(Path.ChangeExtension(path, ".diagnostics.json"), !replace, Words) : null);
    }

    /// <summary>The diagnostics come first, so that a page that is there has them beside it.</summary>
    internal async Task WriteAsync(string page, Func<string> diagnostics, CancellationToken cancellationToken)
    {
        if (_diagnostics is not null)
        {
            await _diagnostics.WriteAsync(diagnostics(), cancellationToken);
        }

        await _page.WriteAsync(page, cancellationToken);
    }
}
