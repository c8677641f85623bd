using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using HerokuMigrator.State;

namespace HerokuMigrator.Commands;

/// <summary>Completes the names of the migrations that this machine knows; the tooltip tells their homes.</summary>
public sealed class MigrationNameCompleter : IArgumentCompleter
{
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        KnownNames.Migrations().Where(known => Completion.Fits(wordToComplete, known.Name))
            .Select(known => Completion.Of(known.Name, $"{known.Folder}{(known.HasEnded ? ", ended" : "")}"));
}
