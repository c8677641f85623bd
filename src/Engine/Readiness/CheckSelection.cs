using System.IO.Enumeration;
using System.Reflection;

namespace HerokuMigrator.Readiness;

/// <summary>All checks that there are, and which of them a run takes.</summary>
internal static class CheckSelection
{
    public static readonly IReadOnlyList<IReadinessCheck> All =
    [
        .. Assembly.GetExecutingAssembly().GetTypes()
            .Where(type => type is { IsClass: true, IsAbstract: false } && typeof(IReadinessCheck).IsAssignableFrom(type))
            .Select(type => (IReadinessCheck)Activator.CreateInstance(type)!)
            .OrderBy(check => check.Group, StringComparer.Ordinal).ThenBy(check => check.Id, StringComparer.Ordinal),
    ];

    /// <summary>Throws where a pattern fits no check: a mistyped id must not look like a check that passed.</summary>
    public static IReadOnlyList<IReadinessCheck> Select(ReadinessOptions options)
    {
        foreach (var pattern in options.Include.Concat(options.Exclude))
        {
            if (!All.Any(check => Fits(pattern, check)))
            {
                throw FaceErrors.UnknownCheck(pattern, [.. All.Select(check => check.Id)]);
            }
        }

        var selected = All.Where(check =>
            (options.Include.Count == 0 || options.Include.Any(pattern => Fits(pattern, check))) && !options.Exclude.Any(pattern => Fits(pattern, check))).ToList();
        return selected.Count > 0 ? selected : throw FaceErrors.NoCheckLeft();
    }

    private static bool Fits(string pattern, IReadinessCheck check) => FileSystemName.MatchesSimpleExpression(pattern, check.Id);
}
