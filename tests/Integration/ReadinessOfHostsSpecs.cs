using System.Text.Json;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>Machines that the migration would fail on. What cannot be changed for this process is changed for one of the console face.</summary>
public sealed class ReadinessOfHostsSpecs(LabPair lab)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    [Fires("DiskSpace")]
    [Fires("Memory")]
    public async Task A_small_machine_is_a_warning_that_says_how_small_it_is()
    {
        await using var move = await lab.NewMoveAsync(Token);
        var meminfo = Path.Combine(move.StateRoot, "meminfo");
        await File.WriteAllTextAsync(meminfo, "MemTotal:         500000 kB\nMemFree:           10000 kB\nMemAvailable:     300000 kB\n", Token);
        var home = Directory.CreateDirectory(Path.Combine(move.StateRoot, "heroku-migrator")).FullName;
        var (wrapper, reason) = await MountNamespace.TryAsync($"mount --bind '{meminfo}' /proc/meminfo && mount -t tmpfs -o size=20m none '{home}'", Token);
        Assert.SkipWhen(wrapper is null, reason);

        var report = await TestAsync(FaceCall.Of(move, "test", "--json") with { Wrapper = wrapper! });

        MustBe(report, "DiskSpace", "Warning", "20 MB are free");
        MustBe(report, "Memory", "Warning", "293 MB of memory are available");
    }

    [Fact]
    [Passes("DiskSpace")]
    [Passes("Memory")]
    [Passes("BucardoVersion")]
    [Passes("Clock")]
    public async Task This_machine_will_do()
    {
        await using var move = await lab.NewMoveAsync(Token);
        foreach (var id in new[] { "DiskSpace", "Memory", "BucardoVersion", "Clock" })
        {
            (await move.CheckAsync(id)).MustBe(CheckStatus.Pass);
        }
    }

    [Fact]
    [Fires("ProgramsInstalled")]
    [Fires("BucardoVersion")]
    public async Task Another_bucardo_is_a_warning_and_missing_programs_block_with_their_packages()
    {
        await using var move = await lab.NewMoveAsync(Token);
        using var programs = new FewPrograms("sh", "bash", "test", "setpriv", "touch");
        programs.Add("bucardo", "echo 'bucardo version 5.7.0'");

        var report = await TestAsync(FaceCall.Of(move, "test", "--json") with { SearchPath = programs.Folder });

        MustBe(report, "BucardoVersion", "Warning", "5.7.0");
        MustBe(report, "ProgramsInstalled", "Blocked", "setsid was not found");
        Assert.Contains("apt-get install util-linux", Find(report, "ProgramsInstalled").GetProperty("remedy").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    [Fires("Clock")]
    public async Task A_server_whose_clock_is_an_hour_off_is_a_warning()
    {
        await using var move = await lab.NewMoveAsync(Token);

        // The clock of a machine is shared by all that runs on it, so this database alone is told another time.
        await move.Target.ExecuteAsync(
            "SET allow_system_table_mods = on; CREATE OR REPLACE FUNCTION pg_catalog.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE STRICT PARALLEL SAFE AS 'SELECT now() + interval ''1 hour'''", Token);

        var check = await move.CheckAsync("Clock");

        check.MustBe(CheckStatus.Warning);
        Assert.Contains("The clock of the target is 60 min ahead of this machine's", check.Finding, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_home_with_a_long_path_needs_a_folder_for_its_sockets_elsewhere()
    {
        await using var move = await lab.NewMoveAsync(Token);
        var deep = Path.Combine(move.StateRoot, string.Join('/', Enumerable.Repeat("a-folder-with-a-long-name", 4)));
        Directory.CreateDirectory(deep);
        var call = FaceCall.Of(move, "test", "--json") with { StateRoot = deep };

        MustBe(await TestAsync(call), "HomeUsable", "Pass", "can be made");
        MustBe(await TestAsync(call with { Wrapper = ["env", "TMPDIR=/nowhere"] }), "HomeUsable", "Blocked", "/nowhere");
    }

    private static async Task<JsonElement> TestAsync(FaceCall call)
    {
        var answer = await call.RunAsync(Token);
        Assert.True(answer.Output.StartsWith('{'), answer.Errors);
        return JsonDocument.Parse(answer.Output).RootElement;
    }

    private static JsonElement Find(JsonElement report, string id) => report.GetProperty("checks").EnumerateArray().Single(check => check.GetProperty("id").GetString() == id);

    private static void MustBe(JsonElement report, string id, string status, string told)
    {
        var check = Find(report, id);
        Assert.True(check.GetProperty("status").GetString() == status, check.ToString());
        Assert.Contains(told, check.GetProperty("finding").GetString(), StringComparison.Ordinal);
    }
}
