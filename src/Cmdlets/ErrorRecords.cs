using System.Management.Automation;

namespace HerokuMigrator.Commands;

/// <summary>Turns what the engine throws into what PowerShell shows.</summary>
internal static class ErrorRecords
{
    public static ErrorRecord From(Exception exception) => exception is MigrationException known
        ? new ErrorRecord(known, known.ErrorId, CategoryOf(known.Kind), known.Subject)
        {
            ErrorDetails = new ErrorDetails(known.Message) { RecommendedAction = known.RecommendedAction },
        }
        : new ErrorRecord(exception, "Unexpected", ErrorCategory.NotSpecified, targetObject: null);

    /// <summary>The kinds carry the names of PowerShell's categories.</summary>
    private static ErrorCategory CategoryOf(ErrorKind kind) =>
        Enum.TryParse<ErrorCategory>(kind.ToString(), out var category) ? category : ErrorCategory.NotSpecified;
}
