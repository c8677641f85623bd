namespace HerokuMigrator.Reporting;

/// <summary>
/// A file that a readiness report goes into: .md to read, .json with all of it, .csv with the server settings that differ.
/// Whether it can be written is found out before the checks; a reader sees the old file or the new one.
/// </summary>
public sealed class ReportFile
{
    private static readonly OutputFileWords Words = new("Nothing was checked.", "leave out -NoClobber (--no-clobber)", "The checks were made");

    private readonly OutputFile _file;
    private readonly Func<ReadinessReport, string> _content;

    private ReportFile(OutputFile file, Func<ReadinessReport, string> content) => (_file, _content) = (file, content);

    /// <summary>Throws where the file could not be written, or its ending tells no format.</summary>
    /// <param name="path">A path of the file system; its folder must exist.</param>
    /// <param name="keepExisting">Refuse where the file exists; else it is replaced, unless it is read-only.</param>
    public static ReportFile At(string path, bool keepExisting)
    {
        if (Directory.Exists(path))
        {
            throw FaceErrors.ReportFileUnusable(path, "it is a folder", Words.NothingDone);
        }

        Func<ReadinessReport, string> content = Path.GetExtension(path).ToUpperInvariant() switch
        {
            ".MD" => ReportMarkdown.Of,
            ".JSON" => report => ResultJson.Of(report) + "\n",
            ".CSV" => report => SettingsCsv.Of(report.Inventory?.Settings ?? throw FaceErrors.InventoryUnknown(path)),
            _ => throw FaceErrors.ReportFormatUnknown(path, "none of .md, .json and .csv", "Name a file that ends with .md (the report to read), .json (all of it), or .csv (the server settings that differ)."),
        };
        return new ReportFile(OutputFile.At(path, keepExisting, Words), content);
    }

    public Task WriteAsync(ReadinessReport report, CancellationToken cancellationToken) => _file.WriteAsync(_content(report), cancellationToken);
}
