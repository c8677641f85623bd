using System.Diagnostics;

namespace HerokuMigrator.Processes;

/// <summary>
/// A program to run, as an immutable description: nothing happens until an <see cref="ICommandRunner"/> gets it.
/// Arguments are seen by everybody on the machine (<c>ps</c>): secrets go into files, the environment or the input, never there.
/// </summary>
[DebuggerDisplay("{ToString()}")]
public sealed record ExternalCommand(string FileName)
{
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>Added to the environment of this program; null takes a variable away.</summary>
    public IReadOnlyDictionary<string, string?> Environment { get; init; } = new Dictionary<string, string?>();

    public string? WorkingDirectory { get; init; }

    /// <summary>What the program reads from its standard input, as UTF-8; null: it reads the end of file at once.</summary>
    public string? Input { get; init; }

    /// <summary>Replaced by asterisks in all that the program says on its standard error, and in the text of every exception.</summary>
    public IReadOnlyList<string> Secrets { get; init; } = [];

    /// <summary>
    /// Gets every line of the standard output as it comes, unredacted: it is data, not a message.
    /// Calls of the two handlers come from two threads.
    /// </summary>
    public Action<string>? StandardOutput { get; init; }

    /// <summary>Gets every line of the standard error as it comes, redacted.</summary>
    public Action<string>? StandardError { get; init; }

    /// <summary>
    /// The unprivileged user to run as, where this process is root (initdb and postgres refuse to run as root); ignored elsewhere.
    /// HOME, USER and LOGNAME become that user's.
    /// </summary>
    public string? RunAs { get; init; }

    /// <summary>How long a cancelled program may take to end by itself before its whole process tree is killed.</summary>
    public TimeSpan GracePeriod { get; init; } = TimeSpan.FromSeconds(5);

    public ExternalCommand WithArguments(params IEnumerable<string> arguments) => this with { Arguments = [.. arguments] };

    /// <summary>Adds to the variables that are set already, or replaces them.</summary>
    public ExternalCommand WithEnvironment(IEnumerable<KeyValuePair<string, string?>> variables)
    {
        var merged = new Dictionary<string, string?>(Environment);
        foreach (var (name, value) in variables)
            merged[name] = value;
        return this with { Environment = merged };
    }

    public ExternalCommand WithEnvironment(string name, string? value) => WithEnvironment([new(name, value)]);

    public ExternalCommand WithWorkingDirectory(string? workingDirectory) => this with { WorkingDirectory = workingDirectory };

    public ExternalCommand WithInput(string? input) => this with { Input = input };

    /// <summary>Adds to the secrets that are known already.</summary>
    public ExternalCommand WithSecrets(params IEnumerable<string> secrets) => this with { Secrets = [.. Secrets, .. secrets] };

    public ExternalCommand WithStandardOutput(Action<string>? handler) => this with { StandardOutput = handler };

    public ExternalCommand WithStandardError(Action<string>? handler) => this with { StandardError = handler };

    public ExternalCommand WithRunAs(string? userName) => this with { RunAs = userName };

    public ExternalCommand WithGracePeriod(TimeSpan gracePeriod) => this with { GracePeriod = gracePeriod };

    /// <summary>File and arguments, redacted; neither environment nor input.</summary>
    public override string ToString() => Redactor.Redact(string.Join(' ', [FileName, .. Arguments.Select(Quote)]), Secrets);

    private static string Quote(string argument) =>
        argument.Length > 0 && argument.All(c => char.IsLetterOrDigit(c) || "-_=/.:,@%+".Contains(c))
            ? argument
            : "'" + argument.Replace("'", "'\\''") + "'";
}
