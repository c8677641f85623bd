using System.Reflection;

namespace HerokuMigrator;

/// <summary>The version of this program, with the commit that it was built of where that is known.</summary>
internal static class ProgramVersion
{
    public static string Text { get; } = Assembly.GetExecutingAssembly().GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion is { } version
        ? version.Split('+') is [var number, { Length: > 12 } commit] ? $"{number}+{commit[..12]}" : version
        : "";
}
