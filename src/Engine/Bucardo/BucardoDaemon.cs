using System.Globalization;
using System.Text.RegularExpressions;
using HerokuMigrator.Capture;
using HerokuMigrator.Processes;
using HerokuMigrator.State;

namespace HerokuMigrator.Bucardo;

/// <summary>Starts, watches and stops the real Bucardo daemon. What runs is told by its pid files and the kernel, never by names alone.</summary>
internal sealed partial class BucardoDaemon(MigrationHome home, ControlCluster cluster, ICommandRunner runner, IOperationEvents events)
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(10);

    /// <summary>Bytes of its log that are looked through for what happened last.</summary>
    private const long LogTail = 256 * 1024;

    public string LogFile => home.BucardoLogFile;

    private string PidFolder => Path.Combine(home.BucardoFolder, "pid");

    private string ResourceFile => Path.Combine(home.BucardoFolder, "bucardorc");

    /// <summary>The master process lives. Its child that replays may be between two lives: a run that failed ends it, and the master makes another.</summary>
    public bool IsRunning => Pid("mcp") is not null;

    private bool IsReplaying => IsRunning && Pid("kid.sync." + CaptureNames.SyncName) is not null;

    /// <summary>Starts the daemon and waits until it replays, or says why it does not. Does nothing where it runs already.</summary>
    public async Task StartAsync(IReadOnlyDictionary<string, string?> serviceEnvironment, CancellationToken cancellationToken)
    {
        if (IsRunning)
        {
            return;
        }

        await StopAsync(cancellationToken);
        await WriteResourceFileAsync(cancellationToken);
        var logFrom = File.Exists(LogFile) ? new FileInfo(LogFile).Length : 0;
        // The daemon inherits what it was started with: its output must be a file, or the pipe to us would never end.
        await runner.RunCheckedAsync(
            Command(serviceEnvironment, "start", "HerokuMigrator " + home.Name), cancellationToken);
        var until = DateTimeOffset.UtcNow + StartTimeout;
        while (!IsReplaying)
        {
            if (await ReadFaultAsync(logFrom, cancellationToken) is { } fault)
            {
                await StopAsync(CancellationToken.None);
                throw Errors.DaemonFailed(fault, LogFile);
            }

            if (DateTimeOffset.UtcNow >= until)
            {
                await StopAsync(CancellationToken.None);
                throw Errors.DaemonFailed($"it did not begin to replay within {StartTimeout.TotalSeconds:0} s", LogFile);
            }

            await Task.Delay(50, cancellationToken);
        }

        events.Verbose("Bucardo replays.");
    }

    /// <summary>
    /// Ends it without a word. Only where nothing is pending and nothing can be captured any more: its runs find nothing to do then,
    /// and its own orderly end takes more than a second of the write pause.
    /// </summary>
    public async Task KillAsync(CancellationToken cancellationToken)
    {
        var pids = AllPids();
        await SignalAsync(pids, "-KILL", TimeSpan.FromSeconds(5), cancellationToken);
        RemovePidFiles();
    }

    /// <summary>Asks it to end, then ends it: nothing of it is left when this returns.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        var pids = AllPids();
        if (pids.Count > 0 && await cluster.IsRunningAsync(cancellationToken))
        {
            await runner.RunAsync(Command(new Dictionary<string, string?>(StringComparer.Ordinal), "stop", "HerokuMigrator " + home.Name), cancellationToken);
        }

        await WaitForEndAsync(pids, StopTimeout, cancellationToken);
        await SignalAsync(pids, "-TERM", TimeSpan.FromSeconds(3), cancellationToken);
        await SignalAsync(pids, "-KILL", TimeSpan.FromSeconds(5), cancellationToken);
        RemovePidFiles();
    }

    /// <summary>Makes the next run begin now instead of at the next check.</summary>
    public async Task KickAsync(CancellationToken cancellationToken)
    {
        await using var connection = await cluster.DataSource.OpenConnectionAsync(cancellationToken);
        await connection.ExecuteAsync($"NOTIFY bucardo, 'kick_sync_{CaptureNames.SyncName}'", cancellationToken);
    }

    private async Task SignalAsync(IReadOnlyList<int> pids, string signal, TimeSpan patience, CancellationToken cancellationToken)
    {
        var living = pids.Where(IsBucardo).Select(pid => pid.ToString(CultureInfo.InvariantCulture)).ToList();
        if (living.Count == 0)
        {
            return;
        }

        await runner.RunAsync(new ExternalCommand("kill").WithArguments([signal, .. living]), cancellationToken);
        await WaitForEndAsync(pids, patience, cancellationToken);
    }

    private static async Task WaitForEndAsync(IReadOnlyList<int> pids, TimeSpan patience, CancellationToken cancellationToken)
    {
        var until = DateTimeOffset.UtcNow + patience;
        while (pids.Any(IsBucardo) && DateTimeOffset.UtcNow < until)
        {
            await Task.Delay(20, cancellationToken);
        }
    }

    private void RemovePidFiles()
    {
        foreach (var file in Directory.Exists(PidFolder) ? Directory.GetFiles(PidFolder) : [])
        {
            File.Delete(file);
        }
    }

    private ExternalCommand Command(IReadOnlyDictionary<string, string?> environment, string verb, string reason) =>
        new ExternalCommand("/bin/sh")
            .WithArguments("-c", "exec \"$0\" \"$@\" >>log/daemon.out 2>&1 </dev/null", Programs.Find(Programs.Bucardo), "--bucardorc=" + ResourceFile, verb, reason)
            .WithEnvironment(environment)
            .WithEnvironment("HOME", home.BucardoFolder)
            .WithWorkingDirectory(home.BucardoFolder)
            .WithRunAs(MigrationHome.RunAs);

    private async Task WriteResourceFileAsync(CancellationToken cancellationToken)
    {
        await File.WriteAllTextAsync(
            ResourceFile,
            $"""
            dbhost = {cluster.SocketFolder}
            dbport = 5432
            dbname = bucardo
            dbuser = bucardo
            logdest = {Path.Combine(home.BucardoFolder, "log")}
            piddir = {PidFolder}

            """,
            cancellationToken);
        // It holds no secret; the daemon's user must read it.
        File.SetUnixFileMode(ResourceFile, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
    }

    private int? Pid(string kind)
    {
        var file = Path.Combine(PidFolder, $"bucardo.{kind}.pid");
        try
        {
            return LeadingNumber().Match(File.ReadAllText(file)) is { Success: true } match
                && int.TryParse(match.Value, CultureInfo.InvariantCulture, out var pid) && IsBucardo(pid)
                    ? pid
                    : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    private List<int> AllPids() =>
        Directory.Exists(PidFolder)
            ? [.. Directory.GetFiles(PidFolder, "bucardo.*.pid").Select(file => Pid(Path.GetFileName(file)["bucardo.".Length..^".pid".Length])).OfType<int>()]
            : [];

    /// <summary>A pid may have been given to another program since; Bucardo names its processes.</summary>
    private static bool IsBucardo(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid.ToString(CultureInfo.InvariantCulture)}/cmdline").StartsWith("Bucardo ", StringComparison.OrdinalIgnoreCase);
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>The last fault that its log tells of since it was started last; null where it told of none.</summary>
    public async Task<string?> ReadLastFaultAsync(CancellationToken cancellationToken)
    {
        if (!File.Exists(LogFile))
        {
            return null;
        }

        string? fault = null;
        await using var stream = new FileStream(LogFile, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        stream.Seek(Math.Max(0, stream.Length - LogTail), SeekOrigin.Begin);
        using var reader = new StreamReader(stream);
        while (await reader.ReadLineAsync(cancellationToken) is { } line)
        {
            fault = line.Contains("Starting Bucardo version", StringComparison.Ordinal) ? null
                : FaultPattern().Match(line) is { Success: true } match ? match.Groups["fault"].Value
                : fault;
        }

        return fault;
    }

    /// <summary>The first fault that the daemon's log tells of since a position in it.</summary>
    private async Task<string?> ReadFaultAsync(long from, CancellationToken cancellationToken)
    {
        if (!File.Exists(LogFile))
        {
            return null;
        }

        await using var stream = new FileStream(LogFile, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        stream.Seek(Math.Min(from, stream.Length), SeekOrigin.Begin);
        using var reader = new StreamReader(stream);
        while (await reader.ReadLineAsync(cancellationToken) is { } line)
        {
            if (FaultPattern().Match(line) is { Success: true } match)
            {
                return match.Groups["fault"].Value;
            }
        }

        return null;
    }

    [GeneratedRegex("^\\d+", RegexOptions.None, 1000)]
    private static partial Regex LeadingNumber();

    [GeneratedRegex("(MCP|CTL|KID)[^:]*? (?<fault>(Error from validate_sync|Connection failed|Warning! |Could not find|Source database .* is not active|Exception|Reason:|Killed).*)$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex FaultPattern();
}
