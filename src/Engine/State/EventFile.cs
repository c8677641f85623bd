using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace HerokuMigrator.State;

internal enum EventLevel
{
    Debug,
    Verbose,
    Information,
    Warning,
}

/// <summary>One event of a worker, as its file keeps it: a line of JSON.</summary>
internal sealed record WorkerEvent(DateTimeOffset At, EventLevel Level, int Pid, string Text)
{
    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web) { Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) } };

    public string ToLine() => JsonSerializer.Serialize(this, Format);

    /// <summary>Null where it is none: the end of a line may not be written yet, or a full disk has cut it.</summary>
    public static WorkerEvent? Parse(string line)
    {
        try
        {
            return JsonSerializer.Deserialize<WorkerEvent>(line, Format);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    public void TellTo(IOperationEvents events)
    {
        Action<string> tell = Level switch
        {
            EventLevel.Debug => events.Debug,
            EventLevel.Verbose => events.Verbose,
            EventLevel.Information => events.Information,
            _ => events.Warning,
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

    public void Verbose(string message) => Write(EventLevel.Verbose, message, also.Verbose);

    public void Debug(string message) => Write(EventLevel.Debug, message, also.Debug);

    public void Information(string message) => Write(EventLevel.Information, message, also.Information);

    public void Warning(string message) => Write(EventLevel.Warning, message, also.Warning);

    private void Write(EventLevel level, string message, Action<string> tell)
    {
        tell(message);
        var line = Encoding.UTF8.GetBytes(new WorkerEvent(DateTimeOffset.UtcNow, level, Environment.ProcessId, message).ToLine() + "\n");
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
    private long _position;

    public IReadOnlyList<WorkerEvent> Read()
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            if (stream.Length < _position)
            {
                // A new file has taken the place of the full one.
                _position = 0;
            }

            stream.Seek(_position, SeekOrigin.Begin);
            using var memory = new MemoryStream();
            stream.CopyTo(memory);
            // Cut after the last line end: a sign of several bytes may not be there whole yet.
            var bytes = memory.ToArray();
            var end = Array.LastIndexOf(bytes, (byte)'\n') + 1;
            _position += end;
            return [.. Encoding.UTF8.GetString(bytes, 0, end).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(WorkerEvent.Parse).OfType<WorkerEvent>()];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
