using HerokuMigrator.Bucardo;
using HerokuMigrator.Catalog;
using HerokuMigrator.Connections;
using HerokuMigrator.Copy;
using HerokuMigrator.Notifications;
using HerokuMigrator.Processes;
using HerokuMigrator.State;
using Npgsql;

namespace HerokuMigrator.Operations;

/// <summary>One operation's hold on both databases, the home and the state. Opened by every operation, closed at its end.</summary>
internal sealed class MigrationSession : IAsyncDisposable
{
    /// <summary>Text forms must be the same on both sides, whatever a role or a database was set to.</summary>
    public static readonly IReadOnlyDictionary<string, string> PinnedSettings = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["DateStyle"] = "ISO, YMD",
        ["IntervalStyle"] = "postgres",
        ["TimeZone"] = "UTC",
        ["extra_float_digits"] = "3",
        ["bytea_output"] = "hex",
        ["lc_monetary"] = "C",
        ["xmloption"] = "content",
        ["client_min_messages"] = "warning",

        // Rows that a policy hides must be an error, not a silent gap.
        ["row_security"] = "off",

        // The fence sets roles to read-only; our own sessions go on.
        ["default_transaction_read_only"] = "off",
        ["default_transaction_isolation"] = "read committed",
        // A machine that is lost must not hold the operator lock for the two hours of the kernel's default.
        ["tcp_keepalives_idle"] = "30",
        ["tcp_keepalives_interval"] = "10",
        ["tcp_keepalives_count"] = "3",
        ["statement_timeout"] = "0",
        ["lock_timeout"] = "0",
        ["idle_in_transaction_session_timeout"] = "0",
    };

    /// <summary>On each side, at most: a copy with many streams, its index builds, and what is asked beside them.</summary>
    private const int MaxConnections = 80;

    /// <summary>What goes to and comes from a server at a time; the driver's own 8 KB cost a stream of rows many more ways into the kernel.</summary>
    private const int BufferBytes = 64 * 1024;

    /// <summary>What is done without a worker, which keeps its events itself.</summary>
    private static readonly string[] KeptOperations = ["suspend", "resume", "verify", "switch", "undo", "complete", "stop"];

    private readonly string _application;
    private readonly EventFile? _kept;
    private readonly ProgressKeeper _progress;
    private Task<ApplicationSettings>? _applicationSettings;

    private MigrationSession(MigratorOptions options, MigrationHome home, ConnectionSettings source, ConnectionSettings target, string operation, IOperationEvents events)
    {
        Options = options;
        Home = home;
        SourceSettings = source;
        TargetSettings = target;
        _kept = KeptOperations.Contains(operation) || (operation == "start" && options.Worker is null) ? new EventFile(home.EventsFile, events) : null;
        Face = _kept ?? events;
        _progress = new ProgressKeeper(Face);
        Events = _progress;
        _application = OperatorLock.ApplicationName(operation);
        Source = source.CreateDataSource(_application, EngineSettings, ForStreams);
        Target = target.CreateDataSource(_application, EngineSettings, ForStreams);
        Runner = new ToldCommandRunner(new ProcessRunner(), Events);
        Notifier = new PhaseNotifier(options, home, source.Address, target.Address, Events, PhaseNotifier.Patience);
        Store = new StateStore(Target) { PhaseChanged = Notifier.Tell };
        Cluster = new ControlCluster(home, Runner, Events);
        Daemon = new BucardoDaemon(home, Cluster, Runner, Events);
    }

    public MigratorOptions Options { get; }

    public MigrationHome Home { get; }

    public ConnectionSettings SourceSettings { get; }

    public ConnectionSettings TargetSettings { get; }

    public IOperationEvents Events { get; }

    /// <summary>The same without a memory: for what is told from the memory.</summary>
    public IOperationEvents Face { get; }

    /// <summary>What the step at hand told last of how far it is.</summary>
    public OperationProgress? LatestProgress => _progress.Latest;

    public ICommandRunner Runner { get; }

    public NpgsqlDataSource Source { get; }

    public NpgsqlDataSource Target { get; }

    public StateStore Store { get; }

    public PhaseNotifier Notifier { get; }

    public ControlCluster Cluster { get; }

    public BucardoDaemon Daemon { get; }

    public string Name => Options.Name;

    /// <summary>What this migration's starts were given, by the state as it was last read; null within it: nothing was.</summary>
    public StartOptions StartOptions
    {
        get;
        // The state does not know it.
        set => field = value with { ChunkBytes = value.ChunkBytes ?? field.ChunkBytes };
    } = new();

    /// <summary>How far this operation's copy is.</summary>
    public CopyMeter Meter { get; } = new(TimeProvider.System);

    /// <summary>For sessions on the target that only read, and may live while it is waited for the counts of those that write. The caller's to dispose.</summary>
    public NpgsqlDataSource CreateTargetReader() => TargetSettings.CreateDataSource(TargetReaderName, EngineSettings, ForStreams);

    /// <summary>What these call themselves.</summary>
    public static string TargetReaderName => OperatorLock.ApplicationName("reading");

    private static void ForStreams(NpgsqlConnectionStringBuilder builder) =>
        (builder.MaxPoolSize, builder.ReadBufferSize, builder.WriteBufferSize) = (MaxConnections, BufferBytes, BufferBytes);

    private static Dictionary<string, string> EngineSettings =>
        new(PinnedSettings, StringComparer.Ordinal) { ["search_path"] = "pg_catalog" };

    /// <summary>Finds the two databases: what was given, then the home, then the environment. Connects to neither.</summary>
    public static async Task<MigrationSession> OpenAsync(MigratorOptions options, string operation, IOperationEvents events, CancellationToken cancellationToken)
    {
        if (!MigrationName.IsValid(options.Name))
        {
            // It becomes a folder's name; the faces refuse it earlier.
            throw FaceErrors.InvalidName(options.Name);
        }

        var home = MigrationHome.Locate(options.Name, options.StateRoot);
        var saved = await home.ReadConnectionsAsync(cancellationToken);
        // A start by the environment alone may mean another migration than the one of this name; later verbs mean the one that there is.
        var begins = operation is "start" or "test";
        var source = Find("source", "HEROKU_URL", options.SourceUrl, saved?.Source, begins, options.Name);
        var target = Find("target", "PLANETSCALE_URL", options.TargetUrl, saved?.Target, begins, options.Name);
        foreach (var warning in new[] { source.WeakTlsWarning, target.WeakTlsWarning })
        {
            if (warning is not null)
            {
                events.Warning(warning);
            }
        }

        return new MigrationSession(options, home, source, target, operation, events);
    }

    /// <summary>The same, and null where nothing tells the databases: for what the home alone may know.</summary>
    public static async Task<MigrationSession?> TryOpenAsync(MigratorOptions options, string operation, IOperationEvents events, CancellationToken cancellationToken)
    {
        try
        {
            return await OpenAsync(options, operation, events, cancellationToken);
        }
        catch (MigrationException exception) when (exception.ErrorId == "ConnectionMissing")
        {
            return null;
        }
    }

    public Task<NpgsqlConnection> OpenSourceAsync(CancellationToken cancellationToken) =>
        ConnectionErrors.OpenAsync(Source, "source", SourceSettings.Address, cancellationToken);

    public Task<NpgsqlConnection> OpenTargetAsync(CancellationToken cancellationToken) =>
        ConnectionErrors.OpenAsync(Target, "target", TargetSettings.Address, cancellationToken);

    /// <summary>What the source's own sessions resolve names by; read once an operation.</summary>
    public Task<ApplicationSettings> ReadApplicationSettingsAsync(CancellationToken cancellationToken) =>
        _applicationSettings ??= ApplicationSettings.ReadAsync(SourceSettings, PinnedSettings, _application, cancellationToken);

    /// <summary>Null where the target has no state of a migration; a target out of reach is told as such.</summary>
    public async Task<MigrationRow?> ReadStateAsync(CancellationToken cancellationToken)
    {
        await using var target = await OpenTargetAsync(cancellationToken);
        var row = await StateStore.ReadAsync(target, cancellationToken);
        StartOptions = row?.Options ?? StartOptions;
        return row;
    }

    /// <summary>Keeps what ends the operation for the log.</summary>
    public MigrationException Noted(MigrationException exception)
    {
        _kept?.Error(exception);
        return exception;
    }

    /// <summary>The step that told it is over.</summary>
    public void ForgetProgress() => _progress.Latest = null;

    /// <summary>Throws where the target has no state of a migration of this name.</summary>
    public async Task<MigrationRow> RequireMigrationAsync(CancellationToken cancellationToken)
    {
        var row = await ReadStateAsync(cancellationToken) ?? throw Errors.UnknownMigration(Name);
        return row.Name == Name ? row : throw Errors.OtherName(Name, row.Name);
    }

    /// <summary>Throws where the source is out of reach, or not the one that the migration was begun from: nothing may be fenced or removed on another.</summary>
    public async Task RequireSourceAsync(MigrationRow row, CancellationToken cancellationToken)
    {
        await using var source = await OpenSourceAsync(cancellationToken);
        if (row.SourceFingerprint != await SourceFingerprint.ReadAsync(source, cancellationToken))
        {
            throw Errors.OtherSource(Name);
        }
    }

    /// <summary>In the home, for whichever program changes the phase later; nothing where none was given.</summary>
    public async Task KeepNotificationUriAsync(CancellationToken cancellationToken)
    {
        if (Options.NotificationUri is { } uri)
        {
            await Home.SaveNotificationUriAsync(uri, cancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Notifier.DisposeAsync();
        await Cluster.DisposeAsync();
        await Source.DisposeAsync();
        await Target.DisposeAsync();
    }

    private static ConnectionSettings Find(string side, string variable, string? given, string? saved, bool begins, string name)
    {
        var environment = Environment.GetEnvironmentVariable(variable) is { Length: > 0 } value ? value : null;
        var wanted = given ?? (begins || saved is null ? environment : null);
        if (wanted is null && saved is null)
        {
            throw Errors.UrlMissing(side, variable);
        }

        var settings = ConnectionSettings.Parse(wanted ?? saved!);
        if (wanted is not null && saved is not null && ConnectionSettings.Parse(saved).Address is { } known && known.ToString() != settings.Address.ToString())
        {
            throw Errors.NameInUse(name, side, known);
        }

        return settings;
    }
}
