using HerokuMigrator.Operations;
using HerokuMigrator.State;
using Npgsql;

namespace HerokuMigrator.Logs;

/// <summary>One log of what the home and the state on the target keep. Changes nothing; a target out of reach leaves out its part.</summary>
internal sealed class LogReader
{
    private static readonly TimeSpan Beat = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan BetweenLooksAtState = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan TidyingTime = TimeSpan.FromSeconds(30);

    private readonly MigrationHome _home;
    private readonly IOperationEvents _events;
    private readonly SecretMask _mask;
    private readonly StateLog? _state;
    private readonly ProgramLog _programs;
    private readonly BucardoLog _bucardo;
    private readonly bool _wasHere;
    private DateTimeOffset _askedState;
    private bool _stateWasReached;
    private bool _silenceTold;

    private LogReader(MigrationSession? session, MigrationHome home, IOperationEvents events)
    {
        _home = home;
        _events = events;
        _mask = SecretMask.Of(session);
        _state = session is null ? null : new StateLog(session);
        _programs = new ProgramLog(home);
        _bucardo = new BucardoLog(home);
        _wasHere = home.Exists;
    }

    /// <param name="session">Null where nothing tells the databases.</param>
    /// <param name="options">Which migration.</param>
    /// <param name="events">Hears of a target that does not answer.</param>
    public static LogReader Open(MigrationSession? session, MigratorOptions options, IOperationEvents events) =>
        new(session, MigrationHome.Locate(options.Name, options.StateRoot), events);

    public async Task RunAsync(LogOptions options, Action<MigrationLogEntry> write, CancellationToken cancellationToken)
    {
        foreach (var entry in await ReadAsync(options, cancellationToken))
        {
            write(entry);
        }

        for (var ended = !options.Follow; !ended;)
        {
            try
            {
                // Looked at first, so that what was written last is not missed.
                ended = HasEnded;
                await Task.Delay(Beat, cancellationToken);
                foreach (var entry in await ReadNewAsync(options, cancellationToken))
                {
                    write(entry);
                }
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                // Whoever follows ends it so.
                return;
            }
        }
    }

    /// <summary>What is there now; throws where there is no such migration.</summary>
    public async Task<List<MigrationLogEntry>> ReadAsync(LogOptions options, CancellationToken cancellationToken)
    {
        var entries = await ReadNewAsync(options, cancellationToken);
        if (!_stateWasReached && !_home.IsKnown)
        {
            throw Errors.UnknownMigrationHere(_home.Name, _home.Folder);
        }

        return options.Tail is { } tail && tail < entries.Count ? entries.GetRange(entries.Count - tail, tail) : entries;
    }

    /// <summary>The home has forgotten its connections; or the state is gone, after which a program of this machine still tidies up.</summary>
    private bool HasEnded => _wasHere
        ? !_home.Exists || (_state?.GoneAt is { } gone && DateTimeOffset.UtcNow - gone > TidyingTime)
        : !_stateWasReached || _state?.GoneAt is not null;

    /// <summary>What is left out is so before anything is gathered: Bucardo's runs of some days are many.</summary>
    private async Task<List<MigrationLogEntry>> ReadNewAsync(LogOptions options, CancellationToken cancellationToken)
    {
        var state = await ReadStateAsync(cancellationToken);
        return
        [
            .. _programs.ReadNew().Concat(_bucardo.ReadNew()).Concat(state)
                .Where(entry => entry.Level >= options.Level && (options.Since is not { } since || entry.Time >= since))
                .OrderBy(entry => entry.Time)
                .Select(Finished),
        ];
    }

    private async Task<IReadOnlyList<MigrationLogEntry>> ReadStateAsync(CancellationToken cancellationToken)
    {
        if (_state is null or { GoneAt: not null } || DateTimeOffset.UtcNow - _askedState < BetweenLooksAtState)
        {
            return [];
        }

        _askedState = DateTimeOffset.UtcNow;
        try
        {
            var entries = await _state.ReadNewAsync(cancellationToken);
            _stateWasReached |= _state.GoneAt is null;
            return entries;
        }
        catch (Exception exception) when (exception is NpgsqlException or MigrationException)
        {
            if (!_home.IsKnown && !_stateWasReached)
            {
                // Nothing else could tell whether there is such a migration.
                throw Errors.Known(exception);
            }

            TellSilence(exception.Message);
            return [];
        }
    }

    /// <summary>Once; of a migration that has ended nothing is expected there.</summary>
    private void TellSilence(string cause)
    {
        Action<string> tell = _silenceTold || !_wasHere ? _events.Verbose : _events.Warning;
        tell($"What the state on the target keeps is missing here: {cause}");
        _silenceTold = true;
    }

    private MigrationLogEntry Finished(MigrationLogEntry entry)
    {
        var message = _mask.Redact(entry.Message);
        return entry with { Message = message, Table = entry.Table ?? NamedTable.Find(message) };
    }
}
