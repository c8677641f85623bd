using System.Text.Json;
using System.Text.Json.Serialization;
using HerokuMigrator.Operations;
using HerokuMigrator.State;
using Npgsql;

namespace HerokuMigrator.History;

/// <summary>The history in the home, of a migration whose state is gone.</summary>
internal static class HistoryFile
{
    public static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web) { Converters = { new JsonStringEnumConverter() } };

    /// <summary>To be called before the state is dropped. The end of a migration does not depend on it.</summary>
    public static async Task KeepAsync(MigrationSession session, Migration outcome, CancellationToken cancellationToken)
    {
        try
        {
            if (session.Home.Exists && await new HistoryReader(session).ReadAsync(cancellationToken) is { } history)
            {
                await WriteAsync(session.Home, Ended(history, outcome), cancellationToken);
            }
        }
        catch (Exception exception) when (exception is NpgsqlException or MigrationException or IOException)
        {
            session.Events.Warning($"A report of this migration will have less in it, as its history could not be kept: {exception.Message}");
        }
    }

    /// <summary>The same where the target is given up, and cannot be asked.</summary>
    public static async Task KeepOutcomeAsync(MigrationSession session, Migration outcome, CancellationToken cancellationToken)
    {
        if (session.Home.Exists && !File.Exists(session.Home.HistoryFile))
        {
            var history = new MigrationHistory { Name = outcome.Name, Phase = outcome.Phase, Source = outcome.Source, Target = outcome.Target, StartedAt = outcome.StartedAt, GatheredAt = DateTimeOffset.UtcNow };
            await WriteAsync(session.Home, Ended(history, outcome), cancellationToken);
        }
    }

    private static MigrationHistory Ended(MigrationHistory history, Migration outcome) => history with
    {
        Phase = outcome.Phase,
        EndedAt = outcome.EndedAt,
        Phases = [.. history.Phases, new PhaseChange(outcome.EndedAt ?? history.GatheredAt, history.Phase, outcome.Phase)],
    };

    private static Task WriteAsync(MigrationHome home, MigrationHistory history, CancellationToken cancellationToken) =>
        MigrationHome.WritePrivateAsync(home.HistoryFile, JsonSerializer.Serialize(history, Format), cancellationToken);

    /// <summary>Null where there is none, or none that can be read.</summary>
    public static async Task<MigrationHistory?> ReadAsync(MigrationHome home, CancellationToken cancellationToken)
    {
        try
        {
            return JsonSerializer.Deserialize<MigrationHistory>(await File.ReadAllTextAsync(home.HistoryFile, cancellationToken), Format);
        }
        catch (Exception exception) when (exception is IOException or JsonException)
        {
            return null;
        }
    }
}
