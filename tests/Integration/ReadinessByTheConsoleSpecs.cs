using System.Text.Json;
using HerokuMigrator.Lab;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>The verb <c>test</c> as a script calls it.</summary>
public sealed class ReadinessByTheConsoleSpecs(LabPair lab)
{
    private const int Refused = 3;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Quiet_tells_by_the_exit_code_alone()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await TinySchema.CreateAsync(move.Source, Token);
        Assert.Equal((0, "", ""), Said(await TestAsync(move, "--quiet")));
        await move.Target.ExecuteAsOwnerAsync("CREATE TABLE public.in_the_way (id int)", Token);
        Assert.Equal((Refused, "", ""), Said(await TestAsync(move, "--quiet")));
        Assert.Equal((Refused, "false", ""), Said(await TestAsync(move, "--quiet", "--json", "--include", "TargetEmpty,SameDatabase")));
        Assert.Equal((0, "true", ""), Said(await TestAsync(move, "--quiet", "--json", "--exclude", "targetempty")));
    }

    [Fact]
    public async Task A_report_goes_to_a_file_and_to_standard_output_and_holds_no_password()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await TinySchema.CreateAsync(move.Source, Token);
        var canary = Canary.Of(move);
        var folder = Directory.CreateDirectory(Path.Combine(move.StateRoot, "reports"));

        var answer = await TestAsync(move, "--json", "--out-file", Path.Combine(folder.FullName, "report.json"));
        Assert.Equal(0, answer.ExitCode);
        Assert.Equal(Ids(answer.Output), Ids(await File.ReadAllTextAsync(Path.Combine(folder.FullName, "report.json"), Token)));
        Assert.Equal(Migrator.ReadinessCheckIds, Ids(answer.Output));

        var shown = await TestAsync(move, "--out-file", Path.Combine(folder.FullName, "report.md"));
        Assert.Equal(0, shown.ExitCode);
        Assert.Matches("spec: ready; .* passed\\.$", shown.Output.TrimEnd());
        canary.MustBeAbsentFrom("the report on standard output", shown.Output);
        Assert.Equal([], canary.FilesHolding(folder.FullName));
        Assert.Equal(["report.json", "report.md"], folder.EnumerateFiles().Select(file => file.Name).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task The_checks_of_a_report_are_those_that_were_chosen()
    {
        await using var move = await lab.NewMoveAsync(Token);
        var answer = await TestAsync(move, "--json", "--include", "TargetEmpty,Same*", "--include", "targettls", "--exclude", "SameEncoding");
        Assert.Equal(["SameDatabase", "TargetEmpty", "TargetTls"], Ids(answer.Output).Order(StringComparer.Ordinal));
        var leftOut = JsonDocument.Parse(answer.Output).RootElement.GetProperty("leftOut").EnumerateArray().Select(id => id.GetString());
        Assert.Equal(Migrator.ReadinessCheckIds.Except(Ids(answer.Output), StringComparer.Ordinal), leftOut);
    }

    private static Task<FaceAnswer> TestAsync(LabMove move, params string[] arguments) => FaceCall.Of(move, "test", arguments).RunAsync(Token);

    private static (int ExitCode, string Output, string Errors) Said(FaceAnswer answer) => (answer.ExitCode, answer.Output.TrimEnd(), answer.Errors.TrimEnd());

    private static IReadOnlyList<string> Ids(string document) =>
        [.. JsonDocument.Parse(document).RootElement.GetProperty("checks").EnumerateArray().Select(check => check.GetProperty("id").GetString()!)];
}
