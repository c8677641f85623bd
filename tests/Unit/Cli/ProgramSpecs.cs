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

    [Fact]
    public async Task The_worker_is_no_verb_that_help_shows()
    {
        Assert.Equal(ExitCode.Done, await RunAsync("--help"));
        Assert.Contains("switch", _output.ToString());
        Assert.DoesNotContain("worker", _output.ToString());
    }

    private Task<int> RunAsync(params string[] args) => HerokuMigrator.Cli.Program.RunAsync(args, new Terminal(new StringReader("y"), _output, _error), TestContext.Current.CancellationToken);

    private JsonElement Error() => JsonDocument.Parse(_output.ToString()).RootElement.GetProperty("error");
}
