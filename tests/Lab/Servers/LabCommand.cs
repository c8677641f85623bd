using System.Diagnostics;

namespace HerokuMigrator.Lab;

/// <summary>Runs a short helper program to its end.</summary>
internal static class LabCommand
{
    /// <summary>Runs as the current user; returns stdout, throws with stderr where the exit code is not 0.</summary>
    public static Task<string> RunAsync(string file, IReadOnlyList<string> arguments, CancellationToken cancellationToken) =>
        RunAsync(Describe(file, arguments), input: null, cancellationToken);

    /// <summary>Runs as the user that owns the clusters of the lab: PostgreSQL refuses to run as root.</summary>
    public static Task<string> RunAsServerUserAsync(string file, IReadOnlyList<string> arguments, string? input, CancellationToken cancellationToken) =>
        RunAsync(DescribeAsServerUser(file, arguments), input, cancellationToken);

    /// <summary>Runs as the current user, in an environment with these variables added; returns the exit code and stdout with stderr after it.</summary>
    public static async Task<(int ExitCode, string Output)> TryRunAsync(string file, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string> environment, CancellationToken cancellationToken, string? input = null)
    {
        var start = Describe(file, arguments);
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        var (exitCode, output, errors) = await RunToEndAsync(start, input, cancellationToken);
        return (exitCode, output + errors);
    }

    public static ProcessStartInfo DescribeAsServerUser(string file, IReadOnlyList<string> arguments)
    {
        if (!LabMachine.IsRoot)
        {
            return Describe(file, arguments);
        }

        var user = LabMachine.ServerUser;
        return Describe("setpriv", [$"--reuid={user.Uid}", $"--regid={user.Gid}", "--clear-groups", "--", file, .. arguments]);
    }

    private static ProcessStartInfo Describe(string file, IReadOnlyList<string> arguments)
    {
        var start = new ProcessStartInfo(file, arguments)
        {
            // The server's user may not be able to enter the current folder.
            WorkingDirectory = "/",
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("PG", StringComparison.Ordinal)).ToList())
        {
            start.Environment.Remove(name);
        }

        start.Environment.Remove("HEROKU_URL");
        start.Environment.Remove("PLANETSCALE_URL");
        start.Environment["LC_ALL"] = "C.UTF-8";
        return start;
    }

    private static async Task<string> RunAsync(ProcessStartInfo start, string? input, CancellationToken cancellationToken)
    {
        var (exitCode, output, errors) = await RunToEndAsync(start, input, cancellationToken);
        return exitCode == 0
            ? output
            : throw new LabException($"{string.Join(' ', start.ArgumentList.Prepend(start.FileName))} ended with {exitCode}: {errors.Trim()}");
    }

    private static async Task<(int ExitCode, string Output, string Errors)> RunToEndAsync(ProcessStartInfo start, string? input, CancellationToken cancellationToken)
    {
        using var process = Process.Start(start) ?? throw new LabException($"{start.FileName} did not start.");
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
            var errors = process.StandardError.ReadToEndAsync(cancellationToken);
            if (input is not null)
            {
                await process.StandardInput.WriteAsync(input.AsMemory(), cancellationToken);
            }

            process.StandardInput.Close();
            await process.WaitForExitAsync(cancellationToken);
            return (process.ExitCode, await output, await errors);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }
}
