namespace HerokuMigrator.Lab;

/// <summary>The program <c>heroku-migrator</c>.</summary>
internal sealed class ConsoleFace(string program, string sourceUrl, string targetUrl, string stateFolder, IReadOnlyList<string> secrets)
    : MigrationFace(sourceUrl, targetUrl, stateFolder, secrets)
{
    public override string Name => "console face";

    protected override (string File, IReadOnlyList<string> Arguments) CommandOf(MigrationStep step)
    {
        string[] verb = step switch
        {
            MigrationStep.Test => ["test"],
            MigrationStep.Start => ["start"],
            MigrationStep.WaitUntilReady => ["status", "--wait", "--timeout-sec", "90"],
            MigrationStep.Switch => ["switch", "--force"],
            MigrationStep.Undo => ["undo", "--force"],
            MigrationStep.Complete => ["complete", "--force"],
            _ => ["stop", "--force"],
        };
        return Path.GetExtension(program) == ".dll"
            ? (Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", [program, .. verb, "--json"])
            : (program, [.. verb, "--json"]);
    }
}
