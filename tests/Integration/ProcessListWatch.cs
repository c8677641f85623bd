using System.Text;

namespace HerokuMigrator.Integration;

/// <summary>Reads the argument lists of all processes again and again, as any user of the machine can.</summary>
internal sealed class ProcessListWatch : IAsyncDisposable
{
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(20);

    private readonly CancellationTokenSource _stop = new();
    private readonly HashSet<string> _seen = [];
    private readonly Canary _canary;
    private readonly Task _work;

    private ProcessListWatch(Canary canary)
    {
        _canary = canary;
        _work = Task.Run(WatchAsync);
    }

    /// <summary>What was found, and in which program; null where nothing was.</summary>
    public string? Found { get; private set; }

    public int Rounds { get; private set; }

    public static ProcessListWatch Start(Canary canary) => new(canary);

    /// <summary>Whether a process was seen with these words in its arguments. To be asked at the end.</summary>
    public bool Saw(string words) => _seen.Any(line => line.Contains(words, StringComparison.Ordinal));

    public async ValueTask DisposeAsync()
    {
        if (_work.IsCompleted)
        {
            return;
        }

        await _stop.CancelAsync();
        await _work;
        _stop.Dispose();
    }

    private async Task WatchAsync()
    {
        using var timer = new PeriodicTimer(Pace);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token))
            {
                Look();
                Rounds++;
            }
        }
        catch (OperationCanceledException)
        {
            // The watch is over.
        }
    }

    private void Look()
    {
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (char.IsAsciiDigit(folder["/proc/".Length]) && Read(folder) is { Length: > 0 } line && _seen.Add(Encoding.UTF8.GetString(line)) && _canary.FindWholeIn(line) is { } found)
            {
                Found ??= $"{found} in the arguments of {Encoding.UTF8.GetString(line.AsSpan(0, Math.Max(0, line.AsSpan().IndexOf((byte)0))))}";
            }
        }
    }

    private static byte[]? Read(string folder)
    {
        try
        {
            return File.ReadAllBytes(folder + "/cmdline");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
