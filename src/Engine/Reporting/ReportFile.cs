using System.Security.Cryptography;
using System.Text;

namespace HerokuMigrator.Reporting;

/// <summary>
/// A file that a readiness report goes into: .md to read, .json with all of it, .csv with the server settings that differ.
/// Whether it can be written is found out before the checks; a reader sees the old file or the new one.
/// </summary>
public sealed class ReportFile
{
    private readonly string _path;
    private readonly bool _keepExisting;
    private readonly Func<ReadinessReport, string> _content;

    private ReportFile(string path, bool keepExisting, Func<ReadinessReport, string> content) => (_path, _keepExisting, _content) = (path, keepExisting, content);

    /// <summary>Throws where the file could not be written, or its ending tells no format.</summary>
    /// <param name="path">A path of the file system; its folder must exist.</param>
    /// <param name="keepExisting">Refuse where the file exists; else it is replaced, unless it is read-only.</param>
    public static ReportFile At(string path, bool keepExisting)
    {
        if (Directory.Exists(path))
        {
            throw FaceErrors.ReportFileUnusable(path, "it is a folder");
        }

        Func<ReadinessReport, string> content = Path.GetExtension(path).ToUpperInvariant() switch
        {
            ".MD" => ReportMarkdown.Of,
            ".JSON" => report => ResultJson.Of(report) + "\n",
            ".CSV" => report => SettingsCsv.Of(report.Inventory?.Settings ?? throw FaceErrors.InventoryUnknown(path)),
            _ => throw FaceErrors.ReportFormatUnknown(path),
        };
        try
        {
            var full = Final(Path.GetFullPath(path));
            var file = new ReportFile(full, keepExisting, content);
            file.MustBeWritable(path);
            return file;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw FaceErrors.ReportFileUnusable(path, exception.Message, exception);
        }
    }

    public async Task WriteAsync(ReadinessReport report, CancellationToken cancellationToken)
    {
        var content = Encoding.UTF8.GetBytes(_content(report));
        var temporary = Temporary();
        try
        {
            await using (var stream = Create(temporary))
            {
                await stream.WriteAsync(content, cancellationToken);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, _path, overwrite: !_keepExisting);
        }
        catch (IOException) when (_keepExisting && File.Exists(_path))
        {
            throw FaceErrors.ReportFileExists(_path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw FaceErrors.ReportFileFailed(_path, exception);
        }
        finally
        {
            if (File.Exists(temporary))
            {
                File.Delete(temporary);
            }
        }
    }

    private void MustBeWritable(string path)
    {
        if (Directory.Exists(_path))
        {
            throw FaceErrors.ReportFileUnusable(path, "it is a folder");
        }

        if (!Directory.Exists(Path.GetDirectoryName(_path)))
        {
            throw FaceErrors.ReportFileUnusable(path, "its folder does not exist");
        }

        var existing = new FileInfo(_path);
        if (existing.Exists && _keepExisting)
        {
            throw FaceErrors.ReportFileExists(path);
        }

        if (existing is { Exists: true, IsReadOnly: true })
        {
            throw FaceErrors.ReportFileUnusable(path, "it exists and is read-only");
        }

        // Rights and room are known only by trying.
        var temporary = Temporary();
        Create(temporary).Dispose();
        File.Delete(temporary);
    }

    /// <summary>A link stays one: what it leads to is replaced.</summary>
    private static string Final(string path) => new FileInfo(path) is { LinkTarget: not null } link ? link.ResolveLinkTarget(returnFinalTarget: true)!.FullName : path;

    /// <summary>Beside the file, as only a rename within one file system is whole or not at all.</summary>
    private string Temporary() => Path.Join(Path.GetDirectoryName(_path), $".{RandomNumberGenerator.GetHexString(16, lowercase: true)}.tmp");

    private FileStream Create(string temporary)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        var stream = new FileStream(temporary, options);
        if (!OperatingSystem.IsWindows() && File.Exists(_path))
        {
            File.SetUnixFileMode(stream.SafeFileHandle, File.GetUnixFileMode(_path));
        }

        return stream;
    }
}
