using System.Diagnostics;
using HerokuMigrator.Lab;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>A whole migration, watched for passwords: in what is said, in the process list, in the files, in the state.</summary>
public sealed class NoPasswordAnywhereSpecs(LabPair lab)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_whole_migration_shows_no_password_but_in_two_private_files()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await TinySchema.CreateAsync(move.Source, Token);
        var canary = Canary.Of(move);
        await using var processes = ProcessListWatch.Start(canary);

        await RunAsync(move, canary, "start");
        await RunAsync(move, canary, "status", "--wait", "--timeout-sec", "120");
        await RunAsync(move, canary, "verify");
        MustHoldPasswordsOnly(move, canary, "bucardo/pgpass", "connections.json");
        await DumpAsync(move.Target, canary, "heroku_migrator");
        await DumpAsync(move.Source, canary, "bucardo", "heroku_migrator");
        MustBeAbsentFromServices(move, canary);
        await RunAsync(move, canary, "suspend");
        await RunAsync(move, canary, "resume");
        await RunAsync(move, canary, "switch");
        MustHoldPasswordsOnly(move, canary, "bucardo/pgpass", "connections.json");
        await DumpAsync(move.Target, canary, "heroku_migrator");
        await RunAsync(move, canary, "complete");
        MustHoldPasswordsOnly(move, canary);

        await processes.DisposeAsync();
        Assert.Null(processes.Found);
        Assert.True(processes.Rounds > 50, $"The process list was looked at {processes.Rounds} times only.");
        Assert.True(processes.Saw("Bucardo") && processes.Saw("pg_dump") && processes.Saw("heroku-migrator.dll"), "The watch over the process list saw none of the programs that it is for.");
    }

    [Fact]
    public async Task The_watch_that_this_rests_on_finds_a_password()
    {
        var role = new LabRole("watched", "p@s:s/w " + Guid.NewGuid().ToString("N"));
        var canary = new Canary(role);
        await using var processes = ProcessListWatch.Start(canary);
        using (var shown = Process.Start("sh", ["-c", "sleep 0.5", role.Password]))
        {
            await shown.WaitForExitAsync(Token);
        }

        await processes.DisposeAsync();
        Assert.NotNull(processes.Found);
        Assert.DoesNotContain(role.Password, processes.Found, StringComparison.Ordinal);
        string[] written = [role.Password, Uri.EscapeDataString(role.Password), role.Password.Replace(":", "\\:", StringComparison.Ordinal), role.Password[..20]];
        Assert.All(written, text => Assert.NotNull(canary.FindIn($"before {text} after")));
        Assert.Null(canary.FindIn("before after"));
    }

    [Fact]
    public async Task Events_and_results_of_the_engine_hold_no_password()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await TinySchema.CreateAsync(move.Source, Token);
        var canary = Canary.Of(move);
        await using var migrator = move.NewMigrator();

        object[] results =
        [
            await migrator.TestReadinessAsync(Token), await migrator.DescribeAsync("start", Token), await migrator.StartAsync(Token), await migrator.GetStatusAsync(Token),
            await migrator.DescribeAsync("stop", Token), await migrator.StopAsync(Token),
        ];

        foreach (var result in results)
        {
            canary.MustBeAbsentFrom("the text of " + result.GetType().Name, result.ToString()!);
            canary.MustBeAbsentFrom("the JSON of " + result.GetType().Name, System.Text.Json.JsonSerializer.Serialize(result));
        }

        canary.MustBeAbsentFrom("the events", string.Join('\n', move.Events.Texts));
        MustHoldPasswordsOnly(move, canary);
    }

    private static async Task RunAsync(LabMove move, Canary canary, string verb, params string[] arguments)
    {
        var answer = await FaceCall.Of(move, verb, [.. arguments, "--verbose"]).RunAsync(Token);
        Assert.True(answer.ExitCode == 0, $"{verb} exited with {answer.ExitCode}\n{answer.Output}\n{answer.Errors}");
        canary.MustBeAbsentFrom("the standard output of " + verb, answer.Output);
        canary.MustBeAbsentFrom("the standard error of " + verb, answer.Errors);
    }

    private static void MustHoldPasswordsOnly(LabMove move, Canary canary, params string[] files)
    {
        var home = Path.GetRelativePath(move.StateRoot, move.Home);
        Assert.Equal(files.Select(file => Path.Combine(home, file)), canary.FilesHolding(move.StateRoot));
        foreach (var file in files)
        {
            Assert.Equal(OwnerOnly, File.GetUnixFileMode(Path.Combine(move.Home, file)));
        }
    }

    /// <summary>The environment of what runs on as another user of this machine, who could read it there.</summary>
    private static void MustBeAbsentFromServices(LabMove move, Canary canary)
    {
        var files = Directory.GetFiles(Path.Combine(move.Home, "bucardo", "pid"), "*.pid").Append(Path.Combine(move.Home, "bucardo", "control", "postmaster.pid")).ToList();
        Assert.True(files.Count > 1, "Bucardo was not running.");
        foreach (var pid in files.Select(file => new string([.. File.ReadAllText(file).TakeWhile(char.IsAsciiDigit)])))
        {
            canary.MustBeAbsentFrom($"the environment of process {pid}", File.ReadAllText($"/proc/{pid}/environ"));
        }
    }

    private static async Task DumpAsync(LabDatabase database, Canary canary, params string[] schemas)
    {
        var start = new ProcessStartInfo(
            LabMachine.Tool("pg_dump"), [.. database.Server.AdminArguments(database.Name), "--data-only", .. schemas.SelectMany(schema => new[] { "-n", schema })])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(Token), process.StandardError.ReadToEndAsync(Token));
        await process.WaitForExitAsync(Token);
        Assert.True(process.ExitCode == 0, await errors);
        Assert.Contains("COPY ", await output, StringComparison.Ordinal);
        canary.MustBeAbsentFrom($"the schemas {string.Join(", ", schemas)}", await output);
    }
}
