using System.Globalization;

namespace HerokuMigrator;

/// <summary>Errors that a face raises before it calls the engine.</summary>
public static class FaceErrors
{
    /// <summary>A report that blocks was handed to the start.</summary>
    public static MigrationException NotReady(ReadinessReport report) => Errors.NotReady(report);

    /// <summary>Nobody is there to answer the question that the command would ask.</summary>
    public static MigrationException ConfirmationRequired(string command, string force) =>
        new("ConfirmationRequired", ErrorKind.InvalidOperation,
            $"{command} asks for confirmation, and nobody can answer here: this session is not interactive.",
            $"Run it again with {force}, once {(force.StartsWith("--", StringComparison.Ordinal) ? "--what-if" : "-WhatIf")} shows what you want; safety checks still apply.")
        {
            IsRefusal = true,
            Subject = command,
        };

    public static MigrationException InvalidName(string name) =>
        new("InvalidName", ErrorKind.InvalidArgument,
            $"'{name}' is no name for a migration.",
            "Use letters, digits, '-', '_' and '.', 40 at the most, beginning with a letter or a digit.")
        {
            Subject = name,
        };

    internal static MigrationException NotificationUriInvalid(string cause) =>
        new("NotificationUriInvalid", ErrorKind.InvalidArgument,
            $"The notification URI cannot be used: {cause}.",
            "Give an address such as that of a Slack webhook, https://host/path; an empty one forgets it.")
        {
            Subject = "NotificationUri",
        };

    internal static MigrationException StartOptionInvalid(string option, double value, string range) =>
        new("StartOptionInvalid", ErrorKind.InvalidArgument,
            string.Create(CultureInfo.InvariantCulture, $"{option} cannot be {value}."),
            string.Create(CultureInfo.InvariantCulture, $"Give a value {range}."))
        {
            Subject = option,
        };

    internal static MigrationException ComparisonOptionInvalid(string option, object value, string range) =>
        new("ComparisonOptionInvalid", ErrorKind.InvalidArgument,
            string.Create(CultureInfo.InvariantCulture, $"{option} cannot be {value}."),
            $"Give a value {range}.")
        {
            Subject = option,
        };

    internal static MigrationException LogOptionInvalid(string option, string value, string action) =>
        new("LogOptionInvalid", ErrorKind.InvalidArgument, $"{option} cannot be '{value}'.", action)
        {
            Subject = option,
        };

    public static MigrationException UnknownCheck(string pattern, IReadOnlyList<string> ids) =>
        new("UnknownCheck", ErrorKind.InvalidArgument,
            $"No readiness check has the id '{pattern}', or one that this pattern fits.",
            $"Use one of these, or a pattern with * and ?: {string.Join(", ", ids)}.")
        {
            Subject = pattern,
        };

    public static MigrationException NoCheckLeft() =>
        new("NoCheckLeft", ErrorKind.InvalidArgument,
            "The ids to include and to exclude leave no readiness check to run.",
            "Exclude less, or include more.");

    internal static MigrationException ReportFormatUnknown(string path, string endings, string action) =>
        new("ReportFormatUnknown", ErrorKind.InvalidArgument, $"'{path}' ends with {endings}, so what to write into it cannot be told.", action)
        {
            Subject = path,
        };

    internal static MigrationException ReportFileUnusable(string path, string cause, string nothingDone, Exception? inner = null) =>
        new("ReportFileUnusable", ErrorKind.InvalidArgument, $"The report cannot be written to '{path}': {cause.TrimEnd('.')}. {nothingDone}",
            "Name a file in a folder that exists and that you may write to.", inner)
        {
            Subject = path,
        };

    /// <summary>PowerShell has drives that are none of the file system.</summary>
    public static MigrationException ReportPathForeign(string path) => ReportFileUnusable(path, "it is no path of the file system", "Nothing was done.");

    internal static MigrationException ReportFileExists(string path, string replace) =>
        new("ReportFileExists", ErrorKind.ResourceExists, $"'{path}' exists, and was not to be replaced.", $"Name another file, or {replace}.")
        {
            Subject = path,
        };

    /// <summary>What could be written before the work cannot be any more.</summary>
    internal static MigrationException ReportFileFailed(string path, string workDone, Exception inner) =>
        new("ReportFileFailed", ErrorKind.ResourceUnavailable, $"{workDone}, but the report could not be written to '{path}': {inner.Message.TrimEnd('.')}.",
            "Make room there, or name another file, and run it again.", inner)
        {
            Subject = path,
        };

    internal static MigrationException InventoryUnknown(string path) =>
        new("InventoryUnknown", ErrorKind.ResourceUnavailable,
            $"The settings of the two servers could not be compared, so there is nothing to write to '{path}'.",
            "Write the report to a .md or .json file, and see there what could not be read.")
        {
            Subject = path,
        };
}
