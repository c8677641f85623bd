using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using HerokuMigrator.State;

namespace HerokuMigrator.Commands;

/// <summary>Completes the tables of the migration that the line names, as its home knows them: no server is asked.</summary>
public sealed class TableNameCompleter : IArgumentCompleter
{
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        var name = fakeBoundParameters["Name"] as string ?? MigrationName.Default;
        return MigrationName.IsValid(name)
            ? KnownNames.Tables(name).Where(table => Completion.Fits(wordToComplete, table)).Select(table => Completion.Of(table, $"table of migration {name}"))
            : [];
    }
}
