using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;

namespace HerokuMigrator.Commands;

/// <summary>Completes the ids of readiness checks; the tooltip says what each looks at.</summary>
public sealed class ReadinessCheckCompleter : IArgumentCompleter
{
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        var pattern = new WildcardPattern(wordToComplete.Trim('\'', '"') + "*", WildcardOptions.IgnoreCase);
        return Migrator.ReadinessCheckIds.Where(pattern.IsMatch).Order(StringComparer.Ordinal)
            .Select(id => new CompletionResult(id, id, CompletionResultType.ParameterValue, Migrator.ReadinessCheckTitle(id)));
    }
}
