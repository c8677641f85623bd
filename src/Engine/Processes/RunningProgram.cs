using System.Diagnostics;
using System.Runtime.InteropServices;
using CliWrap;

namespace HerokuMigrator.Processes;

/// <summary>One run of a program by CliWrap, with what it leaves to its caller: pipes that outlive the program, SIGTERM, and children that outlive their parent.</summary>
internal sealed class RunningProgram : IDisposable
{
    private const int Terminate = 15;

    // A daemon that the program left behind may hold its pipes for ever; what was written until then is read by now.
    private static readonly TimeSpan PipesAfterExit = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _interrupt = new();
    private readonly CancellationTokenSource _kill = new();
    private readonly CancellationTokenSource _pipes = new();
    private readonly TaskCompletionSource _exit = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CommandTask<CliWrap.CommandResult> _run;

    public RunningProgram(Command command)
    {
        _run = command
            .WithStandardOutputPipe(UntilGivenUp(command.StandardOutputPipe))
            .WithStandardErrorPipe(UntilGivenUp(command.StandardErrorPipe))
            .ExecuteAsync(null, WatchExit, _kill.Token, _interrupt.Token);
    }

    public Task WaitForExitAsync(CancellationToken cancellationToken) => _exit.Task.WaitAsync(cancellationToken);

    /// <summary>Waits a bounded time for the pipes.</summary>
    public async Task<CliWrap.CommandResult> FinishAsync()
    {
        _pipes.CancelAfter(PipesAfterExit);
        return await _run;
    }

    /// <summary>Asks the program to end, then kills it; nothing of its process tree runs afterwards.</summary>
    public async Task EndAsync(TimeSpan gracePeriod)
    {
        // Taken first: once the program is gone, nothing tells which processes were its children.
        var children = ProcessTree.Below(_run.ProcessId);
        // SIGINT makes psql and pg_dump cancel their query on the server; SIGTERM is for those that ignore it.
        await _interrupt.CancelAsync();
        if (!await ExitsWithinAsync(gracePeriod / 2))
        {
            _ = SendSignal(_run.ProcessId, Terminate);
            if (!await ExitsWithinAsync(gracePeriod / 2))
                await _kill.CancelAsync();
        }

        await ProcessTree.KillAsync(children);
        try
        {
            await FinishAsync();
        }
        catch (Exception exception) when (exception is OperationCanceledException or TimeoutException)
        {
            // As it was told to. The timeout is CliWrap's, for a program that the system does not let die yet.
        }
    }

    public void Dispose()
    {
        _interrupt.Dispose();
        _kill.Dispose();
        _pipes.Dispose();
    }

    private void WatchExit(Process process)
    {
        process.Exited += (_, _) => _exit.TrySetResult();
        if (process.HasExited)
            _exit.TrySetResult();
    }

    private PipeTarget UntilGivenUp(PipeTarget target) => PipeTarget.Create(async (origin, cancellationToken) =>
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _pipes.Token);
        try
        {
            await target.CopyFromAsync(origin, either.Token);
        }
        catch (OperationCanceledException) when (_pipes.IsCancellationRequested)
        {
            // Held by a daemon.
        }
    });

    private async Task<bool> ExitsWithinAsync(TimeSpan wait)
    {
        try
        {
            await _exit.Task.WaitAsync(wait);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SendSignal(int processId, int signal);
}
