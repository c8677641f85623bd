using System.Diagnostics;
using System.Text.Json;

namespace HerokuMigrator.Integration;

/// <summary>One run of the console face as a process of its own, with nothing in its environment that it was not given here.</summary>
internal sealed record FaceCall(string Verb, params IReadOnlyList<string> Arguments)
{
    private static readonly string[] Guarded = ["switch", "undo", "complete", "stop"];

    /// <summary>HEROKU_URL; null: not set.</summary>
    public string? Source { get; init; }

    /// <summary>PLANETSCALE_URL; null: not set.</summary>
    public string? Target { get; init; }

    public string Name { get; init; } = "spec";

    /// <summary>XDG_STATE_HOME.</summary>
    public required string StateRoot { get; init; }

    /// <summary>PATH; null: that of this process.</summary>
    public string? SearchPath { get; init; }

    /// <summary>A program that runs the face, and its first arguments.</summary>
    public IReadOnlyList<string> Wrapper { get; init; } = [];

    public static FaceCall Of(LabMove move, string verb, params IReadOnlyList<string> arguments) =>
        new(verb, arguments) { Source = move.Source.Url, Target = move.Target.Url, StateRoot = move.StateRoot, Name = move.Options.Name };

    public async Task<FaceAnswer> RunAsync(CancellationToken cancellationToken)
    {
        string[] command =
        [
            .. Wrapper, DotNet(), ConsoleProgram.Assembly, Verb, .. Arguments,
            .. Guarded.Contains(Verb) ? ["--force"] : Array.Empty<string>(), "--name", Name,
        ];
        var start = new ProcessStartInfo(command[0], command[1..])
        {
            UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true,
        };
        Set(start, "HEROKU_URL", Source);
        Set(start, "PLANETSCALE_URL", Target);
        Set(start, "XDG_STATE_HOME", StateRoot);
        Set(start, "PATH", SearchPath ?? Environment.GetEnvironmentVariable("PATH"));
        using var process = Process.Start(start)!;
        try
        {
            process.StandardInput.Close();
            var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
            var errors = process.StandardError.ReadToEndAsync(cancellationToken);
            await process.WaitForExitAsync(cancellationToken);
            return new FaceAnswer(process.Id, process.ExitCode, await output, await errors);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }

    /// <summary>By its full path, for where the PATH is another.</summary>
    private static string DotNet() =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Select(folder => Path.Combine(folder, "dotnet")).FirstOrDefault(File.Exists) ?? "dotnet";

    private static void Set(ProcessStartInfo start, string variable, string? value)
    {
        start.Environment.Remove(variable);
        if (value is not null)
        {
            start.Environment[variable] = value;
        }
    }
}

/// <summary>What a run of the console face said.</summary>
internal sealed record FaceAnswer(int ProcessId, int ExitCode, string Output, string Errors)
{
    /// <summary>The error of the document that --json printed.</summary>
    public JsonElement Error => JsonDocument.Parse(Output).RootElement.GetProperty("error");

    public string ErrorId => Error.GetProperty("id").GetString()!;
}
