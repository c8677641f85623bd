using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace HerokuMigrator.State;

/// <summary>One event of a program of ours, as its file keeps it: a line of JSON.</summary>
internal sealed record ProgramEvent(DateTimeOffset At, MigrationLogLevel Level, int Pid, string Text)
{
    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web) { Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) } };

    public string ToLine() => JsonSerializer.Serialize(this, Format);

    /// <summary>Null where it is none: the end of a line may not be written yet, or a full disk has cut it.</summary>
    public static ProgramEvent? Parse(string line)
    {
        try
        {
            return JsonSerializer.Deserialize<ProgramEvent>(line, Format);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>An error is not told: whoever watches gets it by itself.</summary>
    public void TellTo(IOperationEvents events)
    {
        Action<string> tell = Level switch
        {
            MigrationLogLevel.Debug => events.Debug,
            MigrationLogLevel.Verbose => events.Verbose,
            MigrationLogLevel.Information => events.Information,
            MigrationLogLevel.Warning => events.Warning,
            _ => _ => { },
        };
        tell(Text);
    }
}

/// <summary>Writes what the engine tells to the end of a private file, for faces that watch and for later. A file that cannot be written stops nothing.</summary>
internal sealed class EventFile(string path, IOperationEvents also) : IOperationEvents
{
    private const long Most = 20_000_000;
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly Lock _gate = new();

    /// <summary>Goes by the state, which is seen from everywhere.</summary>
    public void Progress(OperationProgress progress) => also.Progress(progress);

    /// <summary>Goes by the state too.</summary>
    public void PhaseChanged(SyncStatus status) => also.PhaseChanged(status);

    public void Verbose(string message) => Write(MigrationLogLevel.Verbose, message, also.Verbose);

    public void Debug(string message) => Write(MigrationLogLevel.Debug, message, also.Debug);

    public void Information(string message) => Write(MigrationLogLevel.Information, message, also.Information);

    public void Warning(string message) => Write(MigrationLogLevel.Warning, message, also.Warning);

    /// <summary>What ended the operation; the face gets it as an exception.</summary>
    public void Error(MigrationException exception) => Write(MigrationLogLevel.Error, $"{exception.ErrorId}: {exception.Message}", tell: null);

    private void Write(MigrationLogLevel level, string message, Action<string>? tell)
    {
        tell?.Invoke(message);
        var line = Encoding.UTF8.GetBytes(new ProgramEvent(DateTimeOffset.UtcNow, level, Environment.ProcessId, message).ToLine() + "\n");
        lock (_gate)
        {
            try
            {
                if (new FileInfo(path) is { Exists: true, Length: > Most })
                {
                    File.Move(path, path + ".1", overwrite: true);
                }

                using var stream = new FileStream(path, new FileStreamOptions { Mode = FileMode.Append, Access = FileAccess.Write, Share = FileShare.ReadWrite | FileShare.Delete, UnixCreateMode = Private });
                stream.Write(line);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // The folder is gone, or the disk is full: the work itself matters more.
            }
        }
    }
}

/// <summary>Reads what comes to the end of that file.</summary>
internal sealed class EventTail(string path)
{
    private readonly LineTail _lines = new(path);

    public IEnumerable<ProgramEvent> Read() => _lines.Read().Select(ProgramEvent.Parse).OfType<ProgramEvent>();
}
