using HerokuMigrator.Lab;
using Npgsql;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>What the status tells of a switch before somebody calls it.</summary>
public sealed class SwitchReadinessSpecs(LabPair lab)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_status_names_what_would_keep_a_switch_or_make_it_wait_and_the_switch_says_the_same()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await Owner.ExecuteAsync(move.Source, "CREATE TABLE public.orders (id integer PRIMARY KEY, note text); INSERT INTO public.orders VALUES (1, 'a'), (2, 'b'); CREATE TABLE public.log (line text)", Token);
        await using var migrator = move.NewMigrator();
        Assert.Equal(SwitchReadiness.Blocked, (await migrator.GetStatusAsync(Token)).SwitchReadiness);
        await migrator.StartAsync(Token);
        var ready = await migrator.WaitUntilReadyAsync(TimeSpan.FromMinutes(1), Token);
        Assert.Equal(SwitchReadiness.Ready, ready.SwitchReadiness);
        Assert.All(ready.SwitchReasons, reason => Assert.Equal(CheckStatus.Note, reason.Status));
        Assert.Equal(["\"public\".\"log\"", "\"public\".\"orders\""], Reason(ready, "NotCompared").Objects);

        await move.Source.ExecuteAsync("CREATE FUNCTION public.door() RETURNS void LANGUAGE sql SECURITY DEFINER AS ''", Token);
        await Owner.ExecuteAsync(move.Source, "CREATE INDEX late_index ON public.orders (note); INSERT INTO public.log VALUES ('written')", Token);
        await using var holder = new NpgsqlConnection(move.Source.ConnectionString + ";Application Name=nightly");
        await holder.OpenAsync(Token);
        await using (var transaction = await holder.BeginTransactionAsync(Token))
        {
            await using (var write = new NpgsqlCommand("UPDATE public.orders SET note = 'held' WHERE id = 1", holder))
            {
                await write.ExecuteNonQueryAsync(Token);
            }

            var warned = await WaitForReasonAsync(migrator, "LongWriters");
            Assert.Equal(SwitchReadiness.Warning, warned.SwitchReadiness);
            Assert.True(warned.ReadyToSwitch);
            Assert.Contains("application 'nightly'", Reason(warned, "LongWriters").Finding, StringComparison.Ordinal);
            Assert.Contains($"pg_terminate_backend({holder.ProcessID})", Reason(warned, "LongWriters").Remedy, StringComparison.Ordinal);
            Assert.Contains("door", Reason(warned, "DefinerFunctions").Finding, StringComparison.Ordinal);
            Assert.Contains("index \"public\".\"late_index\"", Reason(warned, "MissingObjects").Objects);
            Assert.Equal(["\"public\".\"log\""], Reason(warned, "TablesCopiedWhole").Objects);
            await transaction.RollbackAsync(Token);
        }

        Assert.DoesNotContain((await migrator.GetStatusAsync(Token)).SwitchReasons, reason => reason.Id == "LongWriters");
        await migrator.SuspendAsync(Token);
        Assert.Equal("Phase", Assert.Single((await migrator.GetStatusAsync(Token)).SwitchReasons, reason => reason.Status == CheckStatus.Blocked).Id);
        await migrator.ResumeAsync(Token);
        await move.Source.ExecuteAsync("CREATE TABLE public.of_another (id integer PRIMARY KEY)", Token);
        var blocked = await migrator.WaitForAsync(status => status.SwitchReasons.All(reason => reason.Status != CheckStatus.Blocked || reason.Id is "TablesNotOwned" or "SchemaDrift"), Token);
        Assert.False(blocked.ReadyToSwitch);
        Assert.Contains("of_another", Reason(blocked, "TablesNotOwned").Finding, StringComparison.Ordinal);
        var error = await Assert.ThrowsAsync<MigrationException>(() => migrator.SwitchAsync(new SwitchOptions(), Token));
        Assert.Contains(Reason(blocked, "TablesNotOwned").Finding, error.Message, StringComparison.Ordinal);
        Assert.Contains(Reason(blocked, "SchemaDrift").Finding, error.Message, StringComparison.Ordinal);
        await migrator.StopAsync(Token);
    }

    [Fact]
    public async Task Rows_that_differed_keep_a_switch_until_they_are_repaired_or_allowed()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await Owner.ExecuteAsync(move.Source, "CREATE TABLE public.orders (id integer PRIMARY KEY, note text); INSERT INTO public.orders VALUES (1, 'a'), (2, 'b')", Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        await Owner.ExecuteAsync(move.Target, "UPDATE public.orders SET note = 'planted' WHERE id = 2", Token);
        await migrator.CompareAsync(new ComparisonOptions(), Token);

        var status = await migrator.GetStatusAsync(Token);
        Assert.Equal(["\"public\".\"orders\""], Reason(status, "RowsDiffer").Objects);
        Assert.Equal(SwitchReadiness.Blocked, status.SwitchReadiness);
        var error = await Assert.ThrowsAsync<MigrationException>(() => migrator.SwitchAsync(new SwitchOptions(), Token));
        Assert.Equal("SwitchRefused", error.ErrorId);
        Assert.Equal("\"public\".\"orders\"", error.Subject);
        var refused = await FaceCall.Of(move, "switch").RunAsync(Token);
        Assert.Equal(3, refused.ExitCode);
        var shown = await FaceCall.Of(move, "status").RunAsync(Token);
        Assert.Equal(0, shown.ExitCode);
        Assert.Contains("Test-MigrationData -Repair", shown.Output, StringComparison.Ordinal);
        var allowed = await FaceCall.Of(move, "switch", "--allow-differences", "--compare-budget-ms", "0").RunAsync(Token);
        Assert.Equal(0, allowed.ExitCode);
        await migrator.UndoSwitchAsync(Token);
        await migrator.CompareAsync(new ComparisonOptions { Repair = true }, Token);
        Assert.DoesNotContain((await migrator.GetStatusAsync(Token)).SwitchReasons, reason => reason.Id is "RowsDiffer" or "NotCompared");
        await migrator.StopAsync(Token);
    }

    [Fact]
    public async Task What_cannot_be_looked_at_does_not_pass_for_ready()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await Owner.ExecuteAsync(move.Source, "CREATE TABLE public.orders (id integer PRIMARY KEY); CREATE TABLE public.log (line text)", Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        await migrator.WaitUntilReadyAsync(TimeSpan.FromMinutes(1), Token);
        await move.Source.ExecuteAsync("REVOKE SELECT ON pg_catalog.pg_index FROM PUBLIC", Token);

        var status = await migrator.GetStatusAsync(Token);

        Assert.Equal(SwitchReadiness.Blocked, status.SwitchReadiness);
        Assert.Contains("pg_index", Reason(status, "ChecksUnreadable").Finding, StringComparison.Ordinal);
        await move.Source.ExecuteAsync("GRANT SELECT ON pg_catalog.pg_index TO PUBLIC", Token);
        await migrator.WaitUntilReadyAsync(TimeSpan.FromMinutes(1), Token);
        await migrator.StopAsync(Token);
    }

    private static SwitchReason Reason(SyncStatus status, string id) => Assert.Single(status.SwitchReasons, reason => reason.Id == id);

    private static Task<SyncStatus> WaitForReasonAsync(Migrator migrator, string id) => migrator.WaitForAsync(status => status.SwitchReasons.Any(reason => reason.Id == id), Token);
}
