using HerokuMigrator.State;

namespace HerokuMigrator.Logs;

/// <summary>What the programs of ours on this machine have kept in the migration's home.</summary>
internal sealed class ProgramLog(MigrationHome home)
{
    private readonly EventTail _events = new(home.EventsFile);
    private bool _begun;

    public IEnumerable<MigrationLogEntry> ReadNew()
    {
        IEnumerable<ProgramEvent> earlier = _begun ? [] : new EventTail(home.EarlierEventsFile).Read();
        _begun = true;
        return earlier.Concat(_events.Read()).Select(one => new MigrationLogEntry
        {
            Time = one.At,
            Level = one.Level,
            Source = MigrationLogSource.Program,
            Message = one.Text,
        });
    }
}
