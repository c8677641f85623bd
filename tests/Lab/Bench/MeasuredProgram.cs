using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace HerokuMigrator.Lab;

/// <summary>The console face as a process, for a bench that wants to know how long it took.</summary>
internal sealed record MeasuredProgram(string Program, string SourceUrl, string TargetUrl, string StateFolder)
{
    /// <summary>Returns the seconds it took; throws with what it said where it failed.</summary>
    public async Task<double> RunAsync(IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(Program, arguments) { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["HEROKU_URL"] = SourceUrl;
        start.Environment["PLANETSCALE_URL"] = TargetUrl;
        start.Environment["XDG_STATE_HOME"] = StateFolder;
        start.Environment["NO_COLOR"] = "1";
        var watch = Stopwatch.StartNew();
        using var process = Process.Start(start) ?? throw new DemoException($"{Program} did not start.");
        process.StandardInput.Close();
        var said = new StringBuilder();
        process.OutputDataReceived += (_, line) => Keep(line.Data);
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        try
        {
            // Not to the end of its output: the worker that it leaves behind may hold that open.
            while (!process.WaitForExit(50))
            {
                await Task.Delay(10, cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }

        var seconds = watch.Elapsed.TotalSeconds;
        lock (said)
        {
            return process.ExitCode == 0 ? seconds : throw new DemoException($"{string.Join(' ', arguments)} ended with {process.ExitCode}.\n{said}");
        }

        void Keep(string? line)
        {
            lock (said)
            {
                said.AppendLine(line);
            }
        }
    }
}

/// <summary>
/// The memory of whatever belongs to a migration's folder, a look every 50 ms: this tool, its worker and Bucardo; not the servers, the control cluster's neither.
/// </summary>
internal sealed class MemoryWatch : IAsyncDisposable
{
    private readonly CancellationTokenSource _ended = new();
    private readonly Task _watch;
    private readonly string _folder;

    public MemoryWatch(string folder)
    {
        _folder = folder;
        _watch = Task.Run(WatchAsync);
    }

    /// <summary>The most that all of them held at one moment, in MB.</summary>
    public double MostTogether { get; private set; }

    /// <summary>The high-water mark (VmHWM) of Bucardo's largest process, in MB.</summary>
    public double MostOfBucardo { get; private set; }

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        await _watch;
        _ended.Dispose();
    }

    private async Task WatchAsync()
    {
        // Looking through all processes takes longer than looking at known ones.
        IReadOnlyList<(int Id, string Command)> known = [];
        for (var look = 0; !_ended.IsCancellationRequested; look++)
        {
            if (look % 5 == 0)
            {
                known = [.. LeftoverProcesses.Of(_folder).Where(process => !process.Command.Contains("postgres", StringComparison.OrdinalIgnoreCase))];
            }

            MostTogether = Math.Max(MostTogether, known.Sum(process => Read(process.Id, "VmRSS")));
            MostOfBucardo = Math.Max(
                MostOfBucardo, known.Where(process => process.Command.StartsWith("Bucardo ", StringComparison.OrdinalIgnoreCase)).Select(process => Read(process.Id, "VmHWM")).DefaultIfEmpty().Max());
            try
            {
                await Task.Delay(50, _ended.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private static double Read(int id, string field)
    {
        try
        {
            var line = File.ReadLines($"/proc/{id.ToString(CultureInfo.InvariantCulture)}/status").FirstOrDefault(line => line.StartsWith(field + ":", StringComparison.Ordinal));
            return line is null ? 0 : double.Parse(line.Split(':')[1].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture) / 1024;
        }
        catch (IOException)
        {
            return 0;
        }
    }
}
