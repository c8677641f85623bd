using System.CommandLine;
using System.CommandLine.Completions;
using HerokuMigrator.State;

namespace HerokuMigrator.Cli;

/// <summary>The options that every verb takes.</summary>
internal sealed class CommonOptions
{
    private readonly Option<string?> _source = new("--source")
    {
        Description = "the database to move: URL, key=value pairs, env:NAME or file:PATH; default: the migration's home, then HEROKU_URL",
        HelpName = "connection",
        Recursive = true,
    };

    private readonly Option<string?> _target = new("--target")
    {
        Description = "the database to move it to, likewise; default: the migration's home, then PLANETSCALE_URL",
        HelpName = "connection",
        Recursive = true,
    };

    private readonly Option<string> _name = new("--name")
    {
        Description = "tells migrations apart",
        DefaultValueFactory = _ => MigrationName.Default,
        Recursive = true,
    };

    private readonly Option<bool> _json = new("--json")
    {
        Description = "print one JSON document on standard output; everything else goes to standard error",
        Recursive = true,
    };

    private readonly Option<bool> _verbose = new("--verbose", "-v")
    {
        Description = "say on standard error what is being done",
        Recursive = true,
    };

    /// <summary>Of the verb start alone.</summary>
    public Option<string?> NotificationUri { get; } = new("--notification-uri")
    {
        Description = "post changes of phase there as JSON with a text that Slack shows: env:NAME, file:PATH, or the address itself; kept for the migration; '' forgets it",
        HelpName = "address",
    };

    public CommonOptions()
    {
        _name.CompletionSources.Add(_ => KnownNames.Migrations().Select(known => new CompletionItem(known.Name)));
        _name.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: var name }] && !MigrationName.IsValid(name))
            {
                result.AddError(FaceErrors.InvalidName(name).Message + " " + FaceErrors.InvalidName(name).RecommendedAction);
            }
        });
    }

    public IEnumerable<Option> All => [_source, _target, _name, _json, _verbose];

    public bool AsJson(ParseResult parsed) => parsed.GetValue(_json);

    public bool IsVerbose(ParseResult parsed) => parsed.GetValue(_verbose);

    public string NameOf(ParseResult parsed) => parsed.GetValue(_name)!;

    /// <summary>The secrets that stand in the argument list, where every user of the machine can read them.</summary>
    public IEnumerable<string> ShownSecrets(ParseResult parsed)
    {
        var passwords = new[] { _source, _target }.Where(option => ConnectionText.ShowsPassword(parsed.GetValue(option))).Select(option => $"the password in {option.Name}");
        return ConnectionText.IsPlain(parsed.GetValue(NotificationUri)) ? passwords.Append($"the address in {NotificationUri.Name}") : passwords;
    }

    /// <summary>What the engine needs; throws where a connection cannot be read.</summary>
    public MigratorOptions Read(ParseResult parsed) => new()
    {
        Name = NameOf(parsed),
        SourceUrl = ConnectionText.Read(parsed.GetValue(_source), _source.Name),
        TargetUrl = ConnectionText.Read(parsed.GetValue(_target), _target.Name),
        NotificationUri = ConnectionText.Read(parsed.GetValue(NotificationUri), NotificationUri.Name),
        Worker = WorkerFor(NameOf(parsed)),
    };

    /// <summary>This program, started again without a terminal.</summary>
    private static WorkerCommand WorkerFor(string name)
    {
        var program = Environment.ProcessPath ?? CommandLine.ProgramName;
        string[] worker = [CommandLine.WorkerVerb, "--name", name];
        return Path.GetFileNameWithoutExtension(program) == "dotnet"
            ? new WorkerCommand(program, [typeof(CommonOptions).Assembly.Location, .. worker])
            : new WorkerCommand(program, worker);
    }
}
