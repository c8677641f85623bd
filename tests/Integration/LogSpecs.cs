using System.Text.Json;
using HerokuMigrator.Lab;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>The log, by the engine and by the verb <c>log</c>.</summary>
public sealed class LogSpecs(LabPair lab)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_migrations_log_is_told_while_it_lives_followed_to_its_end_and_told_after_it()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await TinySchema.CreateAsync(move.Source, Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);

        // Nothing but the home tells the databases.
        await using var later = new Migrator(move.Options with { SourceUrl = null, TargetUrl = null }, move.Events);
        var living = await ReadAsync(later, new LogOptions { Level = MigrationLogLevel.Verbose });
        Assert.Contains(living, entry => entry is { Source: MigrationLogSource.State, Message: "Phase: CatchingUp -> Replicating" });
        Assert.Contains(living, entry => entry is { Source: MigrationLogSource.Program, Level: MigrationLogLevel.Information } && entry.Message.Contains("is replicating", StringComparison.Ordinal));
        Assert.Contains(living, entry => entry.Source == MigrationLogSource.Bucardo);
        Assert.Equal(living.OrderBy(entry => entry.Time).Select(entry => entry.Time), living.Select(entry => entry.Time));

        var refused = await Assert.ThrowsAsync<MigrationException>(() => migrator.CompleteAsync(Token));
        var followed = new List<MigrationLogEntry>();
        var following = later.ReadLogAsync(new LogOptions { Follow = true, Tail = 0 }, followed.Add, Token);
        await migrator.StopAsync(Token);
        await following;
        Assert.Contains(followed, entry => entry.Message.Contains("is Aborted", StringComparison.Ordinal));

        var ended = await ReadAsync(later, new LogOptions());
        Assert.Contains(ended, entry => entry.Level == MigrationLogLevel.Error && entry.Message.StartsWith(refused.ErrorId, StringComparison.Ordinal));
        Assert.Contains(await ReadAsync(later, new LogOptions { Level = MigrationLogLevel.Verbose }), entry => entry.Source == MigrationLogSource.Bucardo);
        Assert.DoesNotContain(ended, entry => entry.Level < MigrationLogLevel.Information);
        Assert.Equal(ended[^2..], await ReadAsync(later, new LogOptions { Tail = 2 }));
        Assert.Empty(await ReadAsync(later, new LogOptions { Since = DateTimeOffset.UtcNow.AddMinutes(1) }));

        var document = await CallAsync(move.StateRoot, "--json", "--level", "warning");
        Assert.Equal(0, document.ExitCode);
        Assert.All(JsonDocument.Parse(document.Output).RootElement.EnumerateArray(), entry => Assert.Contains(entry.GetProperty("level").GetString(), (string[])["Warning", "Error"]));
        var lines = (await CallAsync(move.StateRoot, "--json", "--follow")).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(ended.Count, lines.Length);
        Assert.All(lines, line => Assert.Equal(JsonValueKind.Object, JsonDocument.Parse(line).RootElement.ValueKind));
        var everything = string.Join('\n', living.Concat(ended).Select(entry => entry.ToString())) + document.Output + string.Join('\n', lines);
        Assert.DoesNotContain(move.Source.Owner.Password, everything, StringComparison.Ordinal);
        Assert.DoesNotContain(move.Target.Owner.Password, everything, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_migration_that_nobody_knows_has_no_log()
    {
        var root = Directory.CreateTempSubdirectory("hm-log-");
        try
        {
            var answer = await CallAsync(root.FullName, "--json");
            Assert.Equal((3, "MigrationUnknown"), (answer.ExitCode, answer.ErrorId));
            Assert.Empty(root.EnumerateFileSystemInfos());
        }
        finally
        {
            root.Delete(recursive: true);
        }
    }

    private static async Task<List<MigrationLogEntry>> ReadAsync(Migrator migrator, LogOptions options)
    {
        var entries = new List<MigrationLogEntry>();
        await migrator.ReadLogAsync(options, entries.Add, Token);
        return entries;
    }

    private static Task<FaceAnswer> CallAsync(string stateRoot, params string[] arguments) => new FaceCall("log", arguments) { StateRoot = stateRoot }.RunAsync(Token);
}
