using System.Diagnostics;
using System.Text;

namespace HerokuMigrator.Lab;

internal enum MigrationStep
{
    Test,
    Start,
    WaitUntilReady,
    Switch,
    Undo,
    Complete,
    Stop,
}

/// <summary>
/// One of the product's faces, driven as a person would: a child process for each step, which knows the two databases from its
/// environment alone.
/// </summary>
internal abstract class MigrationFace(string sourceUrl, string targetUrl, string stateFolder, IReadOnlyList<string> secrets)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan PatienceAfterInterrupt = TimeSpan.FromSeconds(10);

    public abstract string Name { get; }

    /// <summary>Runs one step to its end; throws <see cref="DemoException"/> with what it said where it failed.</summary>
    public async Task<FaceResult> RunAsync(MigrationStep step, CancellationToken cancellationToken)
    {
        var (file, arguments) = CommandOf(step);
        using var process = Process.Start(Describe(file, arguments)) ?? throw new DemoException($"{file} did not start.");
        process.StandardInput.Close();
        // What was printed is read to its end even if the step is interrupted, so the token stays out of it.
        var output = ReadAsync(process.StandardOutput);
        var errors = ReadAsync(process.StandardError);
        await WaitForExitAsync(process, step, cancellationToken);
        // Not to its end: a worker that the step left behind may hold the pipes open.
        await Task.WhenAny(Task.WhenAll(output.Done, errors.Done), Task.Delay(TimeSpan.FromSeconds(2), CancellationToken.None));
        var (text, complaints) = (output.Text(), errors.Text());
        if (secrets.FirstOrDefault(secret => text.Contains(secret, StringComparison.Ordinal) || complaints.Contains(secret, StringComparison.Ordinal)) is not null)
        {
            throw new DemoException($"{step} printed a password.");
        }

        return process.ExitCode == 0
            ? FaceResult.Parse(ExtractJson(text))
            : throw new DemoException($"{step} ended with {process.ExitCode}.\n{Tail(complaints)}\n{Tail(text)}".TrimEnd());
    }

    protected abstract (string File, IReadOnlyList<string> Arguments) CommandOf(MigrationStep step);

    protected virtual string ExtractJson(string output) => output;

    private ProcessStartInfo Describe(string file, IReadOnlyList<string> arguments)
    {
        var start = new ProcessStartInfo(file, arguments)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
        };
        start.Environment["HEROKU_URL"] = sourceUrl;
        start.Environment["PLANETSCALE_URL"] = targetUrl;
        start.Environment["XDG_STATE_HOME"] = stateFolder;
        start.Environment["NO_COLOR"] = "1";
        return start;
    }

    private static async Task WaitForExitAsync(Process process, MigrationStep step, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException exception)
        {
            // On Ctrl-C the terminal told the child too; it puts back what it was about to change.
            if (!cancellationToken.IsCancellationRequested || !process.WaitForExit(PatienceAfterInterrupt))
            {
                process.Kill(entireProcessTree: true);
            }

            cancellationToken.ThrowIfCancellationRequested();
            throw new DemoException($"{step} did not end within {Patience.TotalSeconds:0} s.", exception);
        }
    }

    private static (Task Done, Func<string> Text) ReadAsync(StreamReader reader)
    {
        var text = new StringBuilder();
        return (PumpAsync(), () =>
        {
            lock (text)
            {
                return text.ToString();
            }
        });

        async Task PumpAsync()
        {
            while (await reader.ReadLineAsync(CancellationToken.None) is { } line)
            {
                lock (text)
                {
                    text.Append(line).Append('\n');
                }
            }
        }
    }

    private static string Tail(string text) => string.Join('\n', text.TrimEnd().Split('\n').TakeLast(25));
}
