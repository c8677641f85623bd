namespace HerokuMigrator.Integration;

/// <summary>The console face for specs that want it as a process.</summary>
internal static class ConsoleProgram
{
    /// <summary>What the build has laid out, which is compiled ahead, as people get it; else the one beside the specs.</summary>
    public static string Assembly { get; } =
        Environment.GetEnvironmentVariable("HEROKU_MIGRATOR_CONSOLE") is { Length: > 0 } program && File.Exists(program + ".dll")
            ? program + ".dll"
            : Path.Combine(AppContext.BaseDirectory, "heroku-migrator.dll");
}
