using System.Security.Cryptography;
using System.Text;

namespace HerokuMigrator.Reporting;

/// <summary>What the errors about a file say beside its name.</summary>
/// <param name="NothingDone">That the work was not begun, as the file could not be written.</param>
/// <param name="Replace">How a file that exists is replaced.</param>
/// <param name="WorkDone">That the work was done, but for the file.</param>
internal sealed record OutputFileWords(string NothingDone, string Replace, string WorkDone);

/// <summary>A file that somebody asked for. Whether it can be written is found out before the work; a reader sees the old file or the new one.</summary>
internal sealed class OutputFile
{
    private readonly bool _keepExisting;
    private readonly OutputFileWords _words;

    private OutputFile(string path, bool keepExisting, OutputFileWords words) => (FullPath, _keepExisting, _words) = (path, keepExisting, words);

    public string FullPath { get; }

    /// <summary>Throws where the file could not be written.</summary>
    /// <param name="path">A path of the file system; its folder must exist.</param>
    /// <param name="keepExisting">Refuse where the file exists; else it is replaced, unless it is read-only.</param>
    /// <param name="words">For what it throws.</param>
    public static OutputFile At(string path, bool keepExisting, OutputFileWords words)
    {
        try
        {
            var file = new OutputFile(Final(Path.GetFullPath(path)), keepExisting, words);
            file.MustBeWritable(path);
            return file;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw FaceErrors.ReportFileUnusable(path, exception.Message, words.NothingDone, exception);
        }
    }

    public async Task WriteAsync(string content, CancellationToken cancellationToken)
    {
        var bytes = Encoding.UTF8.GetBytes(content);
        var temporary = Temporary();
        try
        {
            await using (var stream = Create(temporary))
            {
                await stream.WriteAsync(bytes, cancellationToken);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, FullPath, overwrite: !_keepExisting);
        }
        catch (IOException) when (_keepExisting && File.Exists(FullPath))
        {
            throw FaceErrors.ReportFileExists(FullPath, _words.Replace);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw FaceErrors.ReportFileFailed(FullPath, _words.WorkDone, exception);
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
        if (Directory.Exists(FullPath))
        {
            throw FaceErrors.ReportFileUnusable(path, "it is a folder", _words.NothingDone);
        }

        if (!Directory.Exists(Path.GetDirectoryName(FullPath)))
        {
            throw FaceErrors.ReportFileUnusable(path, "its folder does not exist", _words.NothingDone);
        }

        var existing = new FileInfo(FullPath);
        if (existing.Exists && _keepExisting)
        {
            throw FaceErrors.ReportFileExists(path, _words.Replace);
        }

        if (existing is { Exists: true, IsReadOnly: true })
        {
            throw FaceErrors.ReportFileUnusable(path, "it exists and is read-only", _words.NothingDone);
        }

        // Rights and room are known only by trying.
        var temporary = Temporary();
        Create(temporary).Dispose();
        File.Delete(temporary);
    }

    /// <summary>A link stays one: what it leads to is replaced.</summary>
    private static string Final(string path) => new FileInfo(path) is { LinkTarget: not null } link ? link.ResolveLinkTarget(returnFinalTarget: true)!.FullName : path;

    /// <summary>Beside the file, as only a rename within one file system is whole or not at all.</summary>
    private string Temporary() => Path.Join(Path.GetDirectoryName(FullPath), $".{RandomNumberGenerator.GetHexString(16, lowercase: true)}.tmp");

    private FileStream Create(string temporary)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        var stream = new FileStream(temporary, options);
        if (!OperatingSystem.IsWindows() && File.Exists(FullPath))
        {
            File.SetUnixFileMode(stream.SafeFileHandle, File.GetUnixFileMode(FullPath));
        }

        return stream;
    }
}
