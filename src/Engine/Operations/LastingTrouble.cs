namespace HerokuMigrator.Operations;

/// <summary>Tells of a trouble when it comes or becomes another, and when it is over, once each: as a warning, and as an event in the state.</summary>
/// <param name="session">Who is told.</param>
/// <param name="kind">The events' kind.</param>
/// <param name="over">What is said when it is over.</param>
internal sealed class LastingTrouble(MigrationSession session, string kind, string over)
{
    private string _told = "";

    /// <param name="trouble">In a sentence; empty where there is none.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task TellAsync(string trouble, CancellationToken cancellationToken)
    {
        if (trouble == _told)
        {
            return;
        }

        _told = trouble;
        if (trouble.Length > 0)
        {
            session.Events.Warning(trouble);
        }

        await session.Store.LogAsync(kind, trouble.Length > 0 ? trouble : over, cancellationToken);
    }
}
