using Npgsql;

namespace HerokuMigrator.Lab;

/// <summary>One migration's surroundings: a source, a target, and a state folder; all gone at the end, with whatever was left running in them.</summary>
public sealed class LabMove : IAsyncDisposable
{
    private readonly DirectoryInfo _state = Directory.CreateTempSubdirectory("hm-spec-");

    public LabMove(HerokuLikeDatabase source, PlanetScaleLikeDatabase target)
    {
        Source = source;
        Target = target;
        // The embedded Bucardo runs as another user when the specs run as root.
        File.SetUnixFileMode(_state.FullName, (UnixFileMode)0b111_101_101);
    }

    public HerokuLikeDatabase Source { get; }

    public PlanetScaleLikeDatabase Target { get; }

    public RecordedEvents Events { get; } = new();

    /// <summary>What XDG_STATE_HOME is for the console face.</summary>
    public string StateRoot => _state.FullName;

    public string Home => Path.Combine(StateRoot, "heroku-migrator", Options.Name);

    public MigratorOptions Options => new() { Name = "spec", SourceUrl = Source.Url, TargetUrl = Target.Url, StateRoot = Path.Combine(StateRoot, "heroku-migrator") };

    public Migrator NewMigrator() => new(Options, Events);

    public async Task<T?> AskTargetAsync<T>(string sql, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(Target.AdminConnectionString);
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync(cancellationToken) is T value ? value : default;
    }

    public async Task<T?> AskSourceAsync<T>(string sql, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(Source.AdminConnectionString);
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync(cancellationToken) is T value ? value : default;
    }

    /// <summary>The phase by the state in the target; null where there is none yet, or any more.</summary>
    public async Task<string?> PhaseAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await AskTargetAsync<string>("SELECT phase FROM heroku_migrator.migration", cancellationToken);
        }
        catch (PostgresException exception) when (exception.SqlState is PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.InvalidSchemaName)
        {
            return null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopLeftoversAsync();
        await Source.DisposeAsync();
        await Target.DisposeAsync();
        await DeleteFolderAsync(_state.FullName);
    }

    /// <summary>What a program that is gone had started (initdb, for one) may still be writing its last files there.</summary>
    public static async Task DeleteFolderAsync(string folder)
    {
        for (var attempt = 1; Directory.Exists(folder); attempt++)
        {
            try
            {
                Directory.Delete(folder, recursive: true);
            }
            catch (IOException) when (attempt < 100)
            {
                await Task.Delay(100);
            }
        }
    }

    /// <summary>A spec that failed half-way leaves Bucardo and its control cluster running.</summary>
    private async Task StopLeftoversAsync()
    {
        foreach (var home in Directory.Exists(Path.GetDirectoryName(Home)) ? new DirectoryInfo(Path.GetDirectoryName(Home)!).GetDirectories() : [])
        {
            foreach (var file in Directory.Exists(Path.Combine(home.FullName, "bucardo", "pid")) ? Directory.GetFiles(Path.Combine(home.FullName, "bucardo", "pid"), "*.pid") : [])
            {
                Kill(File.ReadAllText(file));
            }

            if (File.Exists(Path.Combine(home.FullName, "worker.pid")))
            {
                Kill(File.ReadAllText(Path.Combine(home.FullName, "worker.pid")));
            }

            var postmaster = Path.Combine(home.FullName, "bucardo", "control", "postmaster.pid");
            if (File.Exists(postmaster))
            {
                Kill(File.ReadLines(postmaster).First());
                await Task.Delay(200);
            }
        }
    }

    private static void Kill(string pidText)
    {
        var digits = new string([.. pidText.TakeWhile(char.IsAsciiDigit)]);
        if (digits.Length > 0 && Directory.Exists("/proc/" + digits))
        {
            using var kill = System.Diagnostics.Process.Start("kill", ["-QUIT", digits]);
            kill.WaitForExit();
        }
    }
}
