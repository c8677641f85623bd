namespace HerokuMigrator.Lab;

/// <summary>How the demo is to run.</summary>
/// <param name="Face"><c>console</c> or <c>pwsh</c>.</param>
/// <param name="Console">The program heroku-migrator, or its assembly.</param>
/// <param name="Module">The module's folder or manifest.</param>
internal sealed record DemoOptions(string Face, string? Console, string? Module, double Rate, int Clients, double Scale);

/// <summary>A live database moves, end to end, through one of the product's faces; every claim is checked without the product's help.</summary>
internal sealed class DemoRun(DemoOptions options, DemoAccount account) : IAsyncDisposable
{
    private readonly List<double> _pauses = [];
    private string _stateFolder = "";
    private HerokuLikeServer? _source;
    private PlanetScaleLikeServer? _target;
    private Workload? _workload;
    private MigrationFace? _face;
    private SourceFootprint? _before;
    private bool _started;

    private HerokuLikeDatabase Source => _source!.Database;

    private PlanetScaleLikeDatabase Target => _target!.Database;

    private Workload Writers => _workload!;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        account.Title($"A live database moves from a Heroku-like to a PlanetScale-like server; the {(options.Face == "pwsh" ? "PowerShell module" : "console face")} does it.");
        await account.StepAsync("servers", () => StartServersAsync(cancellationToken));
        await account.StepAsync("source", () => FillAsync(cancellationToken));

        await account.StepAsync("test", () => TestAsync(cancellationToken));
        await account.StepAsync("start", () => StartAsync(cancellationToken));
        await account.StepAsync("status", () => WaitUntilReadyAsync(cancellationToken));
        await account.StepAsync("writers", () => ExpectWritesAsync(200, cancellationToken));

        await account.StepAsync("switch", () => SwitchAsync(cancellationToken));
        await account.StepAsync("compare", () => CompareAsync(cancellationToken));
        await account.StepAsync("undo", () => UndoAsync(cancellationToken));
        await account.StepAsync("status", () => WaitUntilReadyAsync(cancellationToken));

        await account.StepAsync("switch", () => SwitchAsync(cancellationToken));
        await account.StepAsync("writers", StopWritersAsync);
        await account.StepAsync("complete", () => CompleteAsync(cancellationToken));
        await account.StepAsync("compare", () => CompareAsync(cancellationToken));
        await account.StepAsync("source", () => CompareFootprintAsync(cancellationToken));
        await account.StepAsync("target", () => WriteToTargetAsync(cancellationToken));
        await account.StepAsync("leftovers", () => FindLeftoversAsync(cancellationToken));
        account.End(
            $"Done in {account.Total.Elapsed.TotalSeconds:0} s: {Writers.Committed:N0} transactions written ({Writers.Rate:0}/s while it lasted), none lost; "
            + $"writes paused for {string.Join(" ms and ", _pauses.Select(pause => pause.ToString("0")))} ms.");
    }

    public async ValueTask DisposeAsync()
    {
        if (_workload is not null)
        {
            await _workload.DisposeAsync();
        }

        if (_started && _face is not null)
        {
            // The run ended half-way: what it started has to go.
            await StopMigrationAsync(_face);
        }

        await Task.WhenAll((_source?.DisposeAsync() ?? ValueTask.CompletedTask).AsTask(), (_target?.DisposeAsync() ?? ValueTask.CompletedTask).AsTask());
        if (_stateFolder.Length > 0)
        {
            LeftoverProcesses.Kill(_stateFolder);
            Directory.Delete(_stateFolder, recursive: true);
        }
    }

    private static async Task StopMigrationAsync(MigrationFace face)
    {
        try
        {
            await face.RunAsync(MigrationStep.Stop, CancellationToken.None);
        }
        catch (DemoException exception)
        {
            await Console.Error.WriteLineAsync($"Stopping the migration failed too: {exception.Message}");
        }
    }

    private async Task<string> StartServersAsync(CancellationToken cancellationToken)
    {
        var source = HerokuLikeServer.StartAsync(cancellationToken);
        var target = PlanetScaleLikeServer.StartAsync(cancellationToken);
        try
        {
            await Task.WhenAll(source, target);
        }
        finally
        {
            _source = source.IsCompletedSuccessfully ? await source : null;
            _target = target.IsCompletedSuccessfully ? await target : null;
        }

        _stateFolder = CreateStateFolder();
        string[] secrets = [.. Source.Roles.Concat(Target.Roles).SelectMany(role => new[] { role.Password, Uri.EscapeDataString(role.Password) })];
        _face = options.Face == "pwsh"
            ? new PowerShellFace(options.Module!, Source.Url, Target.Url, _stateFolder, secrets)
            : new ConsoleFace(options.Console!, Source.Url, Target.Url, _stateFolder, secrets);
        return $"two PostgreSQL servers, TLS required, no superuser; ports {_source!.Server.Port} and {_target!.Server.Port}";
    }

    private static string CreateStateFolder()
    {
        var folder = Directory.CreateTempSubdirectory("hmdemo-");
        // Where the lab runs as root, the embedded cluster runs as another user that has to get there.
        folder.UnixFileMode |= UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;
        return folder.FullName;
    }

    private async Task<string> FillAsync(CancellationToken cancellationToken)
    {
        await ShopSchema.CreateAsync(Source, options.Scale, cancellationToken);
        _before = await SourceFootprint.CaptureAsync(Source, cancellationToken);
        var workload = new WorkloadOptions { Clients = options.Clients, TransactionsPerSecond = options.Rate, TruncateReferenced = true };
        _workload = Workload.StartShop(Source, workload);
        await _workload.WaitForCommitsAsync(50, TimeSpan.FromSeconds(30), cancellationToken);
        return $"filled; {options.Clients} clients write {options.Rate:0} transactions a second from here on, one reads";
    }

    private async Task<string> TestAsync(CancellationToken cancellationToken)
    {
        var report = await _face!.RunAsync(MigrationStep.Test, cancellationToken);
        Expect(report.IsReady == true, $"The readiness report says not ready, verdict {report.Verdict}.");
        return $"ready: {report.Checks.Count} checks, verdict {report.Verdict}";
    }

    private async Task<string> StartAsync(CancellationToken cancellationToken)
    {
        _started = true;
        var migration = await _face!.RunAsync(MigrationStep.Start, cancellationToken);
        return $"{migration.Phase}; {migration.Tables} tables, {migration.RowsCopied:N0} rows copied";
    }

    private async Task<string> WaitUntilReadyAsync(CancellationToken cancellationToken)
    {
        var status = await _face!.RunAsync(MigrationStep.WaitUntilReady, cancellationToken);
        Expect(status.ReadyToSwitch == true, $"The status says not ready to switch, phase {status.Phase}.");
        return $"{status.Phase}, ready to switch; backlog {status.Backlog} changes, lag {status.LagSeconds:0.0} s";
    }

    private async Task<string> ExpectWritesAsync(int transactions, CancellationToken cancellationToken)
    {
        var refused = Writers.Refused;
        await Writers.WaitForCommitsAsync(transactions, TimeSpan.FromSeconds(30), cancellationToken);
        Expect(Writers.Refused == refused, "A writer was refused although nothing was switched.");
        ExpectNoErrors();
        return $"{Writers.Committed:N0} transactions so far, {Writers.Rate:0}/s; the slowest took {Writers.LongestTransaction.TotalMilliseconds:0} ms";
    }

    private async Task<string> SwitchAsync(CancellationToken cancellationToken)
    {
        var refused = Writers.Refused;
        var result = await _face!.RunAsync(MigrationStep.Switch, cancellationToken);
        var committed = Writers.Committed;
        await Task.Delay(500, cancellationToken);
        Expect(Writers.Committed == committed, $"{Writers.Committed - committed} transactions were committed on the source after the switch.");
        Expect(Writers.Refused > refused, "No writer was refused after the switch.");
        Expect(result.WritePauseMs is > 0, "The switch tells no write pause.");
        ExpectNoErrors();
        _pauses.Add(result.WritePauseMs!.Value);
        return $"{result.Phase}; writes paused {result.WritePauseMs:0} ms, {result.TablesFenced} tables fenced at attempt {result.LockAttempts}, sentinel after {result.SentinelMs:0} ms, {result.SequencesSet} sequences set";
    }

    private async Task<string> UndoAsync(CancellationToken cancellationToken)
    {
        await _face!.RunAsync(MigrationStep.Undo, cancellationToken);
        await Writers.WaitForCommitsAsync(300, TimeSpan.FromSeconds(30), cancellationToken);
        ExpectNoErrors();
        return $"the writers write again: {Writers.Committed:N0} transactions so far";
    }

    private async Task<string> StopWritersAsync()
    {
        // They are refused since the switch; an application would write to the target now.
        await Writers.StopAsync();
        ExpectNoErrors();
        return $"stopped; {Writers.Refused:N0} attempts refused, sessions ended: {Writers.Disconnected}, deadlocks: {Writers.Retried}, slowest read of {Writers.Reads:N0}: {Writers.LongestRead.TotalMilliseconds:0} ms";
    }

    private async Task<string> CompleteAsync(CancellationToken cancellationToken)
    {
        var migration = await _face!.RunAsync(MigrationStep.Complete, cancellationToken);
        _started = false;
        return $"{migration.Phase}";
    }

    private async Task<string> CompareAsync(CancellationToken cancellationToken)
    {
        var contents = await DatabaseContents.CompareAsync(Source, Target, cancellationToken);
        Expect(contents.AreEqual, $"The two sides differ:\n{contents}");
        var ledger = await LedgerCheck.CompareAsync(Writers.Ledger, Target.AdminConnectionString, cancellationToken);
        Expect(ledger.IsComplete, ledger.ToString());
        return $"equal: {contents.Tables} tables with {contents.Rows:N0} rows, {contents.Sequences} sequences, {contents.Objects} objects; all {ledger.Checked:N0} committed transactions are there";
    }

    private async Task<string> CompareFootprintAsync(CancellationToken cancellationToken)
    {
        var after = await SourceFootprint.CaptureAsync(Source, cancellationToken);
        var differences = _before!.DifferencesTo(after);
        Expect(differences.Count == 0, $"The source is not as it was:\n{string.Join('\n', differences.Take(40))}");
        var text = after.SchemaText == _before.SchemaText ? "pg_dump's text is the same to the byte" : "pg_dump lists the same privileges in another order";
        return $"as before: {after.Lines.Count:N0} lines of schema, privileges, owners, settings; {text}";
    }

    private async Task<string> WriteToTargetAsync(CancellationToken cancellationToken)
    {
        var machinery = await DatabaseContents.FindMachineryAsync(Target.AdminConnectionString, cancellationToken);
        Expect(machinery.Count == 0, $"Left on the target: {string.Join(", ", machinery)}.");
        var orders = await TargetProbe.PlaceOrdersAsync(Target, 100, cancellationToken);
        return $"nothing of the migration left; {orders} orders placed there, no key given twice";
    }

    private async Task<string> FindLeftoversAsync(CancellationToken cancellationToken)
    {
        var left = await LeftoverProcesses.WaitForNoneAsync(_stateFolder, TimeSpan.FromSeconds(5), cancellationToken);
        Expect(left.Count == 0, $"Left running:\n{string.Join('\n', left.Select(process => $"{process.Id} {process.Command}"))}");
        return "no process of the migration runs any more";
    }

    private void ExpectNoErrors() =>
        Expect(Writers.Errors.Count == 0, $"Writers met errors that they should not:\n{string.Join('\n', Writers.Errors.Take(10))}");

    private static void Expect(bool asItMustBe, string otherwise)
    {
        if (!asItMustBe)
        {
            throw new DemoException(otherwise);
        }
    }
}
