using System.Management.Automation;

namespace HerokuMigrator.Commands;

/// <summary>Turns what the engine throws into what PowerShell shows.</summary>
internal static class ErrorRecords
{
    /// <param name="exception">What was thrown.</param>
    /// <param name="otherwise">What the error is about where the exception names nothing.</param>
    public static ErrorRecord From(Exception exception, object? otherwise) => exception is MigrationException known
        ? new ErrorRecord(known, known.ErrorId, CategoryOf(known.Kind), known.Subject ?? otherwise)
        {
            ErrorDetails = new ErrorDetails(known.Message) { RecommendedAction = known.RecommendedAction },
        }
        : new ErrorRecord(exception, "Unexpected", ErrorCategory.NotSpecified, otherwise)
        {
            ErrorDetails = new ErrorDetails($"{exception.GetType().Name}: {exception.Message}")
            {
                RecommendedAction = "Run the same command again with -Verbose -Debug, and report what it prints.",
            },
        };

    /// <summary>The kinds carry the names of PowerShell's categories.</summary>
    private static ErrorCategory CategoryOf(ErrorKind kind) =>
        Enum.TryParse<ErrorCategory>(kind.ToString(), out var category) ? category : ErrorCategory.NotSpecified;
}
