using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;

namespace HerokuMigrator.Commands;

/// <summary>Completes the ids of readiness checks; the tooltip says what each looks at.</summary>
public sealed class ReadinessCheckCompleter : IArgumentCompleter
{
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        Migrator.ReadinessCheckIds.Where(id => Completion.Fits(wordToComplete, id)).Order(StringComparer.Ordinal)
            .Select(id => Completion.Of(id, Migrator.ReadinessCheckTitle(id)));
}
