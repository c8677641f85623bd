using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace HerokuMigrator.State;

/// <summary>
/// The folder of one migration on this machine. It holds only what can be rebuilt from the connection strings and the state in the target:
/// the embedded Bucardo, the service and password files, logs, and copies of the undo SQL and the certificate.
/// </summary>
public sealed class MigrationHome
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode PrivateFolder = Private | UnixFileMode.UserExecute;

    /// <summary>The unprivileged user that the servers of the embedded Bucardo need when this program runs as root; PostgreSQL's packages bring it.</summary>
    public const string ServiceUser = "postgres";

    private MigrationHome(string name, string folder)
    {
        Name = name;
        Folder = folder;
    }

    public string Name { get; }

    public string Folder { get; }

    /// <summary>Owned by the user that runs Bucardo; everything of ours outside it is this user's alone.</summary>
    public string BucardoFolder => Path.Combine(Folder, "bucardo");

    public string ConnectionsFile => Path.Combine(Folder, "connections.json");

    public string UndoFile => Path.Combine(Folder, "undo-switch.sql");

    public string CertificateFile => Path.Combine(Folder, "switch-certificate.json");

    /// <summary>The same for people.</summary>
    public string CertificateTextFile => Path.Combine(Folder, "switch-certificate.md");

    /// <summary>The fence's record, for the case that the target cannot be asked for it.</summary>
    public string FenceFile => Path.Combine(Folder, "fence.json");

    /// <summary>Where changes of phase are posted; a secret.</summary>
    public string NotificationFile => Path.Combine(Folder, "notification-uri");

    public string OutcomeFile => Path.Combine(Folder, "outcome.json");

    /// <summary>What a report tells of a migration that has ended.</summary>
    public string HistoryFile => Path.Combine(Folder, "history.json");

    public string WorkerPidFile => Path.Combine(Folder, "worker.pid");

    public string WorkerLogFile => Path.Combine(Folder, "worker.log");

    /// <summary>What the worker and the operations told, a line of JSON each.</summary>
    public string EventsFile => Path.Combine(Folder, "events.jsonl");

    /// <summary>The full file whose place that one has taken.</summary>
    public string EarlierEventsFile => EventsFile + ".1";

    public string BucardoLogFile => Path.Combine(BucardoFolder, "log", "log.bucardo");

    /// <summary>The end of that log, of a migration that has ended.</summary>
    public string KeptBucardoLogFile => Path.Combine(Folder, "bucardo.log");

    /// <summary>What the worker met, for the case that the target cannot be told.</summary>
    public string WorkerErrorFile => Path.Combine(Folder, "worker-error.json");

    /// <summary>Null unless this program runs as root.</summary>
    public static string? RunAs => Environment.IsPrivilegedProcess ? ServiceUser : null;

    public static MigrationHome Locate(string name, string? stateRoot) => new(name, Path.Combine(Root(stateRoot), name));

    /// <summary>The folder above the homes.</summary>
    public static string Root(string? stateRoot) => stateRoot ?? DefaultRoot();

    /// <summary>The names of the tables as they were last read, for completion.</summary>
    public string TablesFile => Path.Combine(Folder, "tables.json");

    public bool Exists => File.Exists(ConnectionsFile);

    /// <summary>True also once the migration has ended, as long as the folder is there.</summary>
    public bool IsKnown => Exists || File.Exists(OutcomeFile) || File.Exists(EventsFile);

    public void Create()
    {
        try
        {
            // The service user of a root migration must be able to walk through to its own folder; it can list nothing on the way.
            var mode = RunAs is null ? PrivateFolder : PrivateFolder | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
            Directory.CreateDirectory(Folder, mode);
            File.SetUnixFileMode(Folder, mode);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Errors.HomeUnusable(Folder, exception.Message);
        }
    }

    public async Task SaveConnectionsAsync(string source, string target, CancellationToken cancellationToken)
    {
        Create();
        await WritePrivateAsync(ConnectionsFile, JsonSerializer.Serialize(new SavedConnections(source, target)), cancellationToken);
    }

    public async Task<(string Source, string Target)?> ReadConnectionsAsync(CancellationToken cancellationToken)
    {
        if (!File.Exists(ConnectionsFile))
        {
            return null;
        }

        var saved = JsonSerializer.Deserialize<SavedConnections>(await File.ReadAllTextAsync(ConnectionsFile, cancellationToken));
        return saved is null ? null : (saved.Source, saved.Target);
    }

    /// <summary>Keeps it, in the place of the one before; an empty one is forgotten.</summary>
    public async Task SaveNotificationUriAsync(string uri, CancellationToken cancellationToken)
    {
        if (uri.Length == 0)
        {
            File.Delete(NotificationFile);
            return;
        }

        await WritePrivateAsync(NotificationFile, uri, cancellationToken);
    }

    /// <summary>Null where none is kept.</summary>
    public string? ReadNotificationUri()
    {
        try
        {
            return File.ReadAllText(NotificationFile).Trim() is { Length: > 0 } uri ? uri : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Forgets the secrets and the embedded Bucardo; logs, undo SQL, certificate and outcome stay.</summary>
    public void Forget()
    {
        File.Delete(ConnectionsFile);
        File.Delete(NotificationFile);
        File.Delete(TablesFile);
        File.Delete(WorkerPidFile);
        File.Delete(WorkerErrorFile);
        File.Delete(FenceFile);
        if (Directory.Exists(BucardoFolder))
        {
            Directory.Delete(BucardoFolder, recursive: true);
        }
    }

    /// <summary>Written whole or not at all, and never readable by others, not even for a moment.</summary>
    public static async Task WritePrivateAsync(string path, string text, CancellationToken cancellationToken)
    {
        var temporary = $"{path}.{Environment.ProcessId}.{RandomNumberGenerator.GetHexString(8)}";
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = Private };
        try
        {
            await using (var stream = new FileStream(temporary, options))
            {
                await stream.WriteAsync(Encoding.UTF8.GetBytes(text), cancellationToken);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            // Half a secret on a full disk is one too.
            File.Delete(temporary);
            throw;
        }
    }

    private static string DefaultRoot()
    {
        var root = Environment.GetEnvironmentVariable("XDG_STATE_HOME");
        if (string.IsNullOrEmpty(root))
        {
            // root's own folder is closed to the service user.
            root = RunAs is null
                ? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".local", "state")
                : "/var/lib";
        }

        return Path.Combine(root, "heroku-migrator");
    }

    private sealed record SavedConnections(string Source, string Target);
}
