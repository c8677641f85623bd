using System.Text.RegularExpressions;

namespace HerokuMigrator;

/// <summary>The name that tells migrations apart; it becomes the name of a folder, so it is kept simple.</summary>
public static class MigrationName
{
    public const string Default = "default";

    /// <summary>Letters, digits and <c>- _ .</c>, up to 40, beginning with a letter or a digit.</summary>
    public const string Pattern = @"^[A-Za-z0-9][A-Za-z0-9_.-]{0,39}\z";

    private static readonly Regex Shape = new(Pattern, RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1));

    public static bool IsValid(string? name) => name is not null && Shape.IsMatch(name);
}
