using System.Diagnostics;
using System.Text;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>The console face as a process of its own, so that it can be killed like one.</summary>
public sealed class HostProgram : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private readonly Process _process;
    private readonly Task<string> _output;
    private readonly Task _errors;
    private readonly StringBuilder _errorsSoFar = new();

    private readonly string _home;
    private readonly string _arguments;

    private HostProgram(Process process, string home, string arguments)
    {
        (_process, _home, _arguments) = (process, home, arguments);
        _output = process.StandardOutput.ReadToEndAsync();
        _errors = ReadErrorsAsync();
    }

    public bool HasExited => _process.HasExited;

    public static HostProgram Start(LabMove move, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet") { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        foreach (var argument in (string[])[ConsoleProgram.Assembly, .. arguments, "--name", move.Options.Name])
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment["HEROKU_URL"] = move.Source.Url;
        start.Environment["PLANETSCALE_URL"] = move.Target.Url;
        start.Environment["XDG_STATE_HOME"] = move.StateRoot;
        var process = Process.Start(start)!;
        process.StandardInput.Close();
        return new HostProgram(process, move.Home, string.Join(' ', arguments));
    }

    public async Task<(int ExitCode, string Output, string Errors)> WaitAsync(CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        try
        {
            await _process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            var log = Path.Combine(_home, "worker.log");
            Assert.Fail($"'{_arguments}' did not end within {Patience}:\n{ErrorsSoFar}\nThe worker's log:\n{(File.Exists(log) ? await File.ReadAllTextAsync(log, cancellationToken) : "none")}");
        }

        await _errors;
        return (_process.ExitCode, await _output, ErrorsSoFar);
    }

    private string ErrorsSoFar
    {
        get
        {
            lock (_errorsSoFar)
            {
                return _errorsSoFar.ToString();
            }
        }
    }

    /// <summary>Returns once it has said that on its standard error.</summary>
    public async Task WaitUntilSaidAsync(string words, CancellationToken cancellationToken)
    {
        while (!ErrorsSoFar.Contains(words, StringComparison.Ordinal))
        {
            Assert.False(HasExited, $"It ended without a word of '{words}':\n{ErrorsSoFar}");
            await Task.Delay(20, cancellationToken);
        }
    }

    private async Task ReadErrorsAsync()
    {
        while (await _process.StandardError.ReadLineAsync() is { } line)
        {
            lock (_errorsSoFar)
            {
                _errorsSoFar.AppendLine(line);
            }
        }
    }

    /// <summary>SIGKILL to the host program alone: what it had started meanwhile lives on, as after a real kill -9.</summary>
    public void Kill() => Signal("-KILL");

    public void Signal(string signal) => Signal(signal, _process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture));

    /// <summary>SIGKILL to the host program and to the worker that it had started, if there is one.</summary>
    public void KillWithWorker(LabMove move)
    {
        Kill();
        if (WorkerOf(move) is { } worker)
        {
            Signal("-KILL", worker);
        }
    }

    /// <summary>The worker's process id, by its file in the home; null where there is none.</summary>
    public static string? WorkerOf(LabMove move)
    {
        var file = Path.Combine(move.Home, "worker.pid");
        try
        {
            return File.ReadAllText(file) is { Length: > 0 } pid && Directory.Exists("/proc/" + pid) ? pid : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    public static void Signal(string signal, string pid)
    {
        using var kill = Process.Start("kill", [signal, pid]);
        kill.WaitForExit();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }
}
