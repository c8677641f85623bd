using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>Specs that take minutes by themselves: the ordinary run leaves them out, and says so.</summary>
internal static class LongSpecs
{
    private const string Variable = "HEROKU_MIGRATOR_LONG_SPECS";

    public static bool AreWanted { get; } = Environment.GetEnvironmentVariable(Variable) is "true" or "1";

    public static void SkipUnlessWanted() => Assert.SkipUnless(AreWanted, $"It takes minutes: ./build.sh test --long runs it too, or {Variable}=1 in the environment.");
}
