using System.Text.Json;
using HerokuMigrator.Cli;
using Xunit;

namespace HerokuMigrator.Unit.Cli;

public sealed class ProgramSpecs
{
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();

    [Theory]
    [InlineData("tset")]
    [InlineData("test", "--no-such-option")]
    [InlineData("test", "--name", "a/b")]
    [InlineData("switch", "--lock-timeout-ms", "1")]
    [InlineData("status", "--source", "env:NO_SUCH_VARIABLE_HERE")]
    [InlineData("report")]
    [InlineData("report", "--out", "report.txt")]
    [InlineData("log", "--since", "soon")]
    [InlineData("log", "--level", "loud")]
    [InlineData("log", "--tail", "-1")]
    public async Task Wrong_usage_ends_with_2_and_leaves_standard_output_empty(params string[] args)
    {
        Assert.Equal(ExitCode.Usage, await RunAsync(args));
        Assert.Empty(_output.ToString());
        Assert.NotEmpty(_error.ToString());
    }

    [Fact]
    public async Task Wrong_usage_with_json_is_one_document_on_standard_output()
    {
        Assert.Equal(ExitCode.Usage, await RunAsync("test", "--json", "--no-such-option"));
        Assert.Equal("Usage", Error().GetProperty("id").GetString());
    }

    [Fact]
    public async Task A_password_in_a_misplaced_argument_is_not_echoed()
    {
        Assert.Equal(ExitCode.Usage, await RunAsync("test", "postgres://app:s3cret@host/db"));
        Assert.DoesNotContain("s3cret", _error.ToString());
    }

    [Theory]
    [InlineData("switch")]
    [InlineData("undo")]
    [InlineData("complete")]
    [InlineData("stop")]
    public async Task Without_a_terminal_and_without_force_a_guarded_verb_is_refused_at_once(string verb)
    {
        Assert.Equal(ExitCode.Refused, await RunAsync(verb, "--json"));
        var error = Error();
        Assert.Equal("ConfirmationRequired", error.GetProperty("id").GetString());
        Assert.Equal("InvalidOperation", error.GetProperty("kind").GetString());
        Assert.Contains("--force", error.GetProperty("recommendedAction").GetString());
    }

    [Fact]
    public async Task A_password_in_an_option_is_taken_with_a_warning()
    {
        await RunAsync("stop", "--source", "postgres://app:s3cret@host/db");
        Assert.Contains("process list", _error.ToString());
        Assert.DoesNotContain("s3cret", _error.ToString());
    }

    [Theory]
    [InlineData("UnknownCheck", "--include", "NoSuchCheck")]
    [InlineData("UnknownCheck", "--exclude", "TargetEmpty,NoSuch*")]
    [InlineData("UnknownCheck", "--include", "")]
    [InlineData("UnknownCheck", "--exclude", ",")]
    [InlineData("NoCheckLeft", "--exclude", "*")]
    [InlineData("NoCheckLeft", "--include", "TargetEmpty", "--exclude", "targetempty")]
    [InlineData("ReportFormatUnknown", "--out-file", "report.pdf")]
    [InlineData("ReportFileUnusable", "--out-file", "no/such/folder/report.md")]
    public async Task What_test_was_asked_for_wrongly_is_told_before_a_database_is_asked(string id, params string[] args)
    {
        Assert.Equal(ExitCode.Usage, await RunAsync(["test", "--json", .. Nowhere, .. args]));
        Assert.Equal(id, Error().GetProperty("id").GetString());
    }

    [Theory]
    [InlineData("--include", "targetempty,Source*", "--include", "Collation")]
    [InlineData("--exclude", "TargetEmpty", "--quiet")]
    public async Task Ids_are_taken_in_any_case_with_wildcards_and_several_at_once(params string[] args)
    {
        Assert.Equal(ExitCode.Failed, await RunAsync(["test", "--json", .. Nowhere, .. args]));
        Assert.Equal("HostUnreachable", Error().GetProperty("id").GetString());
    }

    [Theory]
    [InlineData("test --include Target", "TargetEmpty")]
    [InlineData("test --exclude ", "Collation")]
    [InlineData("test --out", "--out-file")]
    [InlineData("te", "test")]
    public async Task A_shell_is_told_how_a_word_can_go_on(string typed, string expected)
    {
        var line = "heroku-migrator " + typed;
        Assert.Equal(ExitCode.Done, await RunAsync($"[suggest:{line.Length}]", line));
        Assert.Contains(expected, _output.ToString().Split(Environment.NewLine));
        Assert.DoesNotContain("worker", _output.ToString());
    }

    [Fact]
    public async Task The_worker_is_no_verb_that_help_shows()
    {
        Assert.Equal(ExitCode.Done, await RunAsync("--help"));
        Assert.Contains("switch", _output.ToString());
        Assert.DoesNotContain("worker", _output.ToString());
    }

    /// <summary>Nothing listens on port 1.</summary>
    private static readonly string[] Nowhere =
        ["--source", "host=127.0.0.1 port=1 dbname=a user=a sslmode=disable", "--target", "host=127.0.0.1 port=1 dbname=b user=a sslmode=disable"];

    private Task<int> RunAsync(params string[] args) => HerokuMigrator.Cli.Program.RunAsync(args, new Terminal(new StringReader("y"), _output, _error), TestContext.Current.CancellationToken);

    private JsonElement Error() => JsonDocument.Parse(_output.ToString()).RootElement.GetProperty("error");
}
