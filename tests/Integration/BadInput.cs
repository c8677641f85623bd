using HerokuMigrator.Lab;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>
/// Hands something wrong to the engine and to the console face, and holds that both say the same of it, that neither changed anything
/// on the source, the target or this machine, and that no password stands in anything they said.
/// </summary>
internal sealed class BadInput
{
    private readonly LabMove _move;
    private readonly LabDatabase _source;
    private readonly LabDatabase _target;
    private readonly SourceFootprint _sourceBefore;
    private readonly SourceFootprint _targetBefore;
    private readonly Canary _canary;

    private BadInput(LabMove move, LabDatabase source, LabDatabase target, (SourceFootprint Source, SourceFootprint Target) before, Canary canary)
    {
        _move = move;
        _source = source;
        _target = target;
        (_sourceBefore, _targetBefore) = before;
        _canary = canary;
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <param name="move">The surroundings.</param>
    /// <param name="secrets">Roles beside those of the move whose passwords are handed in.</param>
    /// <param name="source">Null: that of the move.</param>
    /// <param name="target">Null: that of the move.</param>
    public static async Task<BadInput> OnAsync(LabMove move, IEnumerable<LabRole>? secrets = null, LabDatabase? source = null, LabDatabase? target = null)
    {
        source ??= move.Source;
        target ??= move.Target;
        var before = (await SourceFootprint.CaptureAsync(source, Token), await SourceFootprint.CaptureAsync(target, Token));
        return new BadInput(move, source, target, before, Canary.Of(move, [.. source.Roles, .. target.Roles, .. secrets ?? []]));
    }

    /// <summary>Runs a verb by engine and console face; both must fail alike.</summary>
    public async Task<Failure> FailAsync(string verb, Func<MigratorOptions, MigratorOptions>? change = null)
    {
        var options = change?.Invoke(_move.Options) ?? _move.Options;
        var files = OwnFiles();
        var failure = await FailInEngineAsync(verb, options);
        var call = FaceCall.Of(_move, verb, "--json", "--verbose") with { Source = options.SourceUrl, Target = options.TargetUrl, Name = options.Name };
        var told = await FailInFaceAsync(call);
        Assert.Equal((failure.Id, failure.Kind), (told.Id, told.Kind));
        Assert.Equal(files, OwnFiles());
        return failure with { ExitCode = told.ExitCode };
    }

    /// <summary>The console face alone, for what the engine cannot be asked within this process.</summary>
    public async Task<Failure> FailInFaceAsync(FaceCall call)
    {
        var answer = await call.RunAsync(Token);
        _canary.MustBeAbsentFrom("the standard output of " + call.Verb, answer.Output);
        _canary.MustBeAbsentFrom("the standard error of " + call.Verb, answer.Errors);
        Assert.True(answer.ExitCode != 0, $"{call.Verb} was taken:\n{answer.Output}");
        Assert.True(answer.Output.StartsWith('{'), $"{call.Verb} printed no document:\n{answer.Output}\n{answer.Errors}");
        return Failure.Of(answer);
    }

    public async Task<Failure> FailInEngineAsync(string verb, MigratorOptions options)
    {
        var events = new RecordedEvents();
        await using var migrator = new Migrator(options, events);
        var exception = await Record.ExceptionAsync(() => CallAsync(migrator, verb));
        Assert.NotNull(exception);
        _canary.MustBeAbsentFrom("the exception of " + verb, exception.ToString());
        _canary.MustBeAbsentFrom("the events of " + verb, string.Join('\n', events.Texts));
        Assert.True(exception is MigrationException, $"{verb} failed with {exception}");
        var error = (MigrationException)exception;
        _canary.MustBeAbsentFrom("the action or subject of " + verb, error.RecommendedAction + error.Subject);
        return new Failure(error.ErrorId, error.Kind, error.Message, error.RecommendedAction, error.IsRefusal ? 3 : 1);
    }

    /// <summary>To be called at the end.</summary>
    public async Task NothingChangedAsync()
    {
        Assert.Empty(_sourceBefore.DifferencesTo(await SourceFootprint.CaptureAsync(_source, Token)));
        Assert.Empty(_targetBefore.DifferencesTo(await SourceFootprint.CaptureAsync(_target, Token)));
        if (!File.Exists(Path.Combine(_move.Home, "connections.json")))
        {
            Assert.Empty(_canary.FilesHolding(_move.StateRoot));
        }
    }

    /// <summary>What this machine keeps of migrations, but for the files that a running Bucardo makes and drops all the time.</summary>
    private string OwnFiles() => string.Join('\n', Directory.EnumerateFileSystemEntries(_move.StateRoot, "*", SearchOption.AllDirectories)
        .Select(path => Path.GetRelativePath(_move.StateRoot, path))
        .Where(path => !path.Contains("bucardo", StringComparison.Ordinal) && !path.Contains("worker.", StringComparison.Ordinal)).Order(StringComparer.Ordinal));

    private static Task CallAsync(Migrator migrator, string verb) => verb switch
    {
        "test" => migrator.TestReadinessAsync(Token),
        "start" => migrator.StartAsync(Token),
        "status" => migrator.GetStatusAsync(Token),
        "suspend" => migrator.SuspendAsync(Token),
        "resume" => migrator.ResumeAsync(Token),
        "switch" => migrator.SwitchAsync(new SwitchOptions(), Token),
        "undo" => migrator.UndoSwitchAsync(Token),
        "complete" => migrator.CompleteAsync(Token),
        "stop" => migrator.StopAsync(Token),
        _ => throw new ArgumentOutOfRangeException(nameof(verb), verb, "No such verb."),
    };
}

/// <summary>What was told of something wrong.</summary>
internal sealed record Failure(string Id, ErrorKind Kind, string Message, string Action, int ExitCode)
{
    /// <summary>As the document on standard output has it.</summary>
    public static Failure Of(FaceAnswer answer)
    {
        var error = answer.Error;
        return new Failure(
            error.GetProperty("id").GetString()!, Enum.Parse<ErrorKind>(error.GetProperty("kind").GetString()!),
            error.GetProperty("message").GetString()!, error.GetProperty("recommendedAction").GetString()!, answer.ExitCode);
    }

    /// <summary>The next step is a part of the recommended action.</summary>
    public Failure MustBe(string id, ErrorKind kind, int exitCode, string nextStep)
    {
        Assert.True((id, kind, exitCode) == (Id, Kind, ExitCode), $"Not {id}, but {this}.");
        Assert.Contains(nextStep, Action, StringComparison.Ordinal);
        return this;
    }

    public Failure MustSay(params IEnumerable<string> words)
    {
        foreach (var word in words)
        {
            Assert.Contains(word, Message, StringComparison.Ordinal);
        }

        return this;
    }
}
