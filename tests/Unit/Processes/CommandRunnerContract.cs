using System.Collections.Concurrent;
using System.Diagnostics;
using HerokuMigrator.Processes;
using Xunit;

namespace HerokuMigrator.Unit.Processes;

/// <summary>What every implementation of <see cref="ICommandRunner"/> does. Derive a class for each.</summary>
public abstract class CommandRunnerContract
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    protected abstract ICommandRunner Runner { get; }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static ExternalCommand Shell(string script, params string[] arguments) =>
        new ExternalCommand("sh").WithArguments(["-c", script, "sh", .. arguments]);

    private Task<CommandResult> RunAsync(ExternalCommand command) => Runner.RunAsync(command, Token);

    [Fact]
    public async Task Tells_the_exit_code_and_both_outputs()
    {
        var result = await RunAsync(Shell("echo out; echo err >&2; exit 3"));

        Assert.Equal((3, "out\n", "err\n"), (result.ExitCode, result.StandardOutput, result.StandardError));
        Assert.InRange(result.Elapsed, TimeSpan.Zero, Limit);
    }

    [Fact]
    public async Task Tells_the_signal_that_ended_a_program() =>
        Assert.Equal(128 + 9, (await RunAsync(Shell("kill -KILL $$"))).ExitCode);

    [Fact]
    public async Task Hands_over_arguments_as_they_are()
    {
        string[] arguments = ["a b", "", "'", "\"", "\\", "$HOME", "*", "Käse", "-x", "\\\"", "a \\", "\\\\ \"b\" \\\\", "two\nlines", "\t", "\u00a0"];

        var result = await RunAsync(Shell("for a in \"$@\"; do printf '[%s]' \"$a\"; done", arguments));

        Assert.Equal(string.Concat(arguments.Select(a => $"[{a}]")) + "\n", result.StandardOutput);
    }

    [Fact]
    public async Task Sets_and_removes_variables_of_the_environment()
    {
        var command = Shell("echo \"${HM_NEW-unset} ${PATH+set} ${HOME-unset}\"").WithEnvironment("HM_NEW", "new").WithEnvironment("HOME", null);

        Assert.Equal("new set unset\n", (await RunAsync(command)).StandardOutput);
    }

    [Fact]
    public async Task Overrides_a_variable_that_is_there()
    {
        var command = Shell("echo $HOME").WithEnvironment("HOME", "/somewhere");

        Assert.Equal("/somewhere\n", (await RunAsync(command)).StandardOutput);
    }

    [Fact]
    public async Task Works_in_the_given_folder() =>
        Assert.Equal("/usr\n", (await RunAsync(Shell("pwd").WithWorkingDirectory("/usr"))).StandardOutput);

    [Fact]
    public async Task A_working_folder_that_is_missing_is_told()
    {
        var error = await Assert.ThrowsAsync<MigrationException>(() => RunAsync(Shell("pwd").WithWorkingDirectory("/no/such/folder")));

        Assert.Equal("ProgramNotRunnable", error.ErrorId);
        Assert.Contains("/no/such/folder", error.Message);
    }

    [Fact]
    public async Task Hands_over_input_and_then_its_end() =>
        Assert.Equal("line é\n", (await RunAsync(new ExternalCommand("cat").WithInput("line é\n"))).StandardOutput);

    [Fact]
    public async Task Without_input_the_program_reads_the_end_at_once() =>
        Assert.Equal("", (await RunAsync(new ExternalCommand("cat"))).StandardOutput);

    [Fact]
    public async Task A_program_may_leave_its_input_unread()
    {
        var result = await RunAsync(Shell("exec 0<&-; echo done").WithInput(new string('x', 5_000_000)));

        Assert.Equal((0, "done\n"), (result.ExitCode, result.StandardOutput));
    }

    [Fact]
    public async Task Much_output_on_both_streams_blocks_nothing()
    {
        var result = await RunAsync(Shell("i=0; while [ $i -lt 200 ]; do printf '%4096s\\n' o; printf '%4096s\\n' e >&2; i=$((i+1)); done"));

        Assert.Equal((200 * 4097, 200 * 4097), (result.StandardOutput.Length, result.StandardError.Length));
    }

    [Fact]
    public async Task Of_an_output_that_a_handler_gets_only_the_end_is_kept()
    {
        var (count, characters) = (0, 0L);
        var command = Shell("head -c 20000000 /dev/zero | tr '\\0' x | fold -w 4999; echo; echo last").WithStandardOutput(line =>
        {
            count++;
            characters += line.Length;
        });

        var result = await RunAsync(command);

        Assert.Equal((4002, 20_000_004L), (count, characters));
        Assert.InRange(result.StandardOutput.Length, 1_000_000, 2_010_000);
        Assert.EndsWith("x\nlast\n", result.StandardOutput);
    }

    [Fact]
    public async Task Lines_come_as_they_are_written()
    {
        var lines = new BlockingCollection<string>();
        var folder = Directory.CreateTempSubdirectory("hm-runner-");
        try
        {
            var go = Path.Combine(folder.FullName, "go");
            var running = RunAsync(Shell("echo first; while [ ! -e \"$1\" ]; do sleep 0.05; done; echo second", go).WithStandardOutput(lines.Add));

            Assert.True(lines.TryTake(out var first, (int)Limit.TotalMilliseconds, Token));
            Assert.False(running.IsCompleted);
            await File.WriteAllTextAsync(go, "", Token);
            var result = await running;

            Assert.Equal(("first", "second", "first\nsecond\n"), (first, lines.Take(Token), result.StandardOutput));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task An_error_of_a_line_handler_comes_through()
    {
        var command = Shell("yes | head -c 1000000").WithStandardOutput(_ => throw new FormatException("no"));

        await Assert.ThrowsAsync<FormatException>(() => RunAsync(command));
    }

    [Fact]
    public async Task Standard_error_is_redacted_in_lines_and_result_but_output_is_data()
    {
        var lines = new ConcurrentQueue<string>();
        var command = Shell("echo s3cret; echo \"bad s3cret\" >&2").WithSecrets("s3cret").WithStandardError(lines.Enqueue);

        var result = await RunAsync(command);

        Assert.Equal(("s3cret\n", "bad ********\n", "bad ********"), (result.StandardOutput, result.StandardError, Assert.Single(lines)));
        Assert.DoesNotContain("s3cret", result.ToString());
    }

    [Fact]
    public async Task A_failure_that_matters_tells_program_exit_code_and_the_last_lines_without_secrets()
    {
        var command = Shell("i=0; while [ $i -lt 20 ]; do echo \"line $i\" >&2; i=$((i+1)); done; echo 'FATAL: s3cret' >&2; exit 7").WithSecrets("s3cret");

        var error = await Assert.ThrowsAsync<MigrationException>(() => Runner.RunCheckedAsync(command, Token));

        Assert.Equal("CommandFailed", error.ErrorId);
        Assert.Contains("sh ended with exit code 7", error.Message);
        Assert.Contains("line 19\nFATAL: ********", error.Message);
        Assert.DoesNotContain("line 5\n", error.Message);
        Assert.DoesNotContain("s3cret", error.ToString());
    }

    [Fact]
    public async Task A_connection_string_with_a_password_is_refused_as_an_argument()
    {
        var command = Shell("true", "postgres://u:s3cret@h/db").WithSecrets("s3cret");

        var error = await Assert.ThrowsAsync<ArgumentException>(() => RunAsync(command));

        Assert.DoesNotContain("s3cret", error.ToString());
    }

    [Theory]
    [InlineData("pg_dump-nowhere", "Install pg_dump-nowhere")]
    [InlineData("/no/such/pg_dump", "apt-get install postgresql-client")]
    [InlineData("/no/such/bucardo", "apt-get install bucardo")]
    public async Task A_missing_program_is_told_with_the_package_that_has_it(string fileName, string advice)
    {
        var error = await Assert.ThrowsAsync<MigrationException>(() => RunAsync(new ExternalCommand(fileName)));

        Assert.Equal(("ProgramMissing", ErrorKind.NotInstalled), (error.ErrorId, error.Kind));
        Assert.Contains($"{Path.GetFileName(fileName)} was not found", error.Message);
        Assert.Contains(advice, error.RecommendedAction);
    }

    [Fact]
    public async Task A_file_that_is_no_program_is_told()
    {
        var error = await Assert.ThrowsAsync<MigrationException>(() => RunAsync(new ExternalCommand("/etc/passwd")));

        Assert.Equal("ProgramNotRunnable", error.ErrorId);
    }

    [Fact]
    public async Task A_cancelled_token_starts_nothing()
    {
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Runner.RunAsync(new ExternalCommand("/no/such/program"), new CancellationToken(canceled: true)));
    }

    [Theory]
    [InlineData("trap 'echo cleaned; exit 0' INT")]
    [InlineData("trap '' INT; trap 'echo cleaned; exit 0' TERM")]
    public async Task Cancelled_a_program_may_end_by_itself_also_one_that_ignores_the_interrupt(string traps)
    {
        using var cancellation = new CancellationTokenSource();
        var lines = new ConcurrentQueue<string>();
        var command = Shell(traps + "; echo ready; while :; do sleep 0.05; done").WithStandardOutput(line =>
        {
            lines.Enqueue(line);
            if (line == "ready")
                cancellation.Cancel();
        });

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Runner.RunAsync(command, cancellation.Token));

        Assert.Equal(["ready", "cleaned"], lines);
    }

    [Fact]
    public async Task Cancelled_a_stubborn_program_is_killed_with_all_its_children()
    {
        using var cancellation = new CancellationTokenSource();
        var ids = new ConcurrentQueue<int>();
        var script = "trap '' INT TERM; sleep 300 & echo $!; (sleep 301 & echo $!; wait) & echo $!; echo $$; echo ready; while :; do sleep 0.2; done";
        var command = Shell(script).WithGracePeriod(TimeSpan.FromSeconds(0.4)).WithStandardOutput(line =>
        {
            if (line == "ready")
                cancellation.CancelAfter(100);
            else
                ids.Enqueue(int.Parse(line));
        });
        var watch = Stopwatch.StartNew();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Runner.RunAsync(command, cancellation.Token));

        Assert.InRange(watch.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(10));
        Assert.Equal(4, ids.Count);
        Assert.All(ids, id => Assert.False(IsRunning(id)));
    }

    [Fact]
    public async Task Cancelled_children_of_a_program_that_ended_at_once_are_killed_too()
    {
        using var cancellation = new CancellationTokenSource();
        var ids = new ConcurrentQueue<int>();
        var command = Shell("sh -c 'trap \"\" INT TERM; echo $$; echo ready; while :; do sleep 0.1; done' & trap 'exit 1' INT; while :; do sleep 0.1; done")
            .WithStandardOutput(line =>
            {
                if (line == "ready")
                    cancellation.CancelAfter(100);
                else
                    ids.Enqueue(int.Parse(line));
            });

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Runner.RunAsync(command, cancellation.Token));

        Assert.False(IsRunning(Assert.Single(ids)));
    }

    [Fact]
    public async Task A_daemon_that_a_program_leaves_behind_holds_nothing_up()
    {
        var watch = Stopwatch.StartNew();

        var result = await RunAsync(Shell("sleep 20 & echo $!"));

        Assert.InRange(watch.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(10));
        using var daemon = Process.GetProcessById(int.Parse(result.StandardOutput));
        Assert.True(IsRunning(daemon.Id));
        daemon.Kill();
    }

    [Fact]
    public async Task A_daemon_that_holds_all_pipes_holds_neither_the_input_nor_a_cancellation_up()
    {
        using var cancellation = new CancellationTokenSource();
        var ids = new ConcurrentQueue<int>();
        // Its parent is gone when the cancellation comes, so that it is below the program no more.
        var command = Shell("(setsid sleep 60 <&0 & echo $!); echo ready; while :; do sleep 0.1; done")
            .WithInput(new string('x', 5_000_000))
            .WithStandardOutput(line =>
            {
                if (line == "ready")
                    cancellation.CancelAfter(100);
                else
                    ids.Enqueue(int.Parse(line));
            });

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Runner.RunAsync(command, cancellation.Token));

        using var daemon = Process.GetProcessById(Assert.Single(ids));
        Assert.True(IsRunning(daemon.Id));
        daemon.Kill();
    }

    [Fact]
    public async Task Runs_as_an_unprivileged_user_where_it_is_root()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess && UserAccount.TryFind("nobody") is not null, "needs to be root");

        var result = await RunAsync(Shell("id -un; id -u; echo $HOME; echo $USER; pwd").WithRunAs("nobody"));

        var account = UserAccount.Find("nobody");
        Assert.Equal(["nobody", account.UserId.ToString(), account.Home, "nobody", "/"], result.StandardOutput.TrimEnd().Split('\n'));
    }

    [Fact]
    public async Task A_program_that_is_missing_for_another_user_is_told_as_missing()
    {
        var error = await Assert.ThrowsAsync<MigrationException>(() => RunAsync(new ExternalCommand("no-such-program").WithRunAs("nobody")));

        Assert.Equal("ProgramMissing", error.ErrorId);
    }

    [Fact]
    public async Task An_unknown_user_is_told()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "needs to be root");

        var error = await Assert.ThrowsAsync<MigrationException>(() => RunAsync(Shell("id").WithRunAs("no-such-user")));

        Assert.Equal("UserUnknown", error.ErrorId);
    }

    /// <summary>A dead process that nobody has waited for yet (its parent may be a container's init) runs no more.</summary>
    private static bool IsRunning(int id)
    {
        var stat = $"/proc/{id}/stat";
        try
        {
            var text = File.ReadAllText(stat);
            return text[text.LastIndexOf(')') + 2] is not ('Z' or 'X');
        }
        catch (IOException)
        {
            return false;
        }
    }
}

public sealed class ProcessRunnerSpecs : CommandRunnerContract
{
    protected override ICommandRunner Runner { get; } = new ProcessRunner();
}
