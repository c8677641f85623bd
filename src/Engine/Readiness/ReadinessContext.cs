using System.Collections.Concurrent;
using HerokuMigrator.Catalog;
using HerokuMigrator.Operations;
using Npgsql;

namespace HerokuMigrator.Readiness;

/// <summary>
/// What the checks share. Each check opens its own connections, one to a side at a time, so that they can run side by side within the pools' bounds.
/// </summary>
/// <param name="session">The two databases.</param>
/// <param name="catalog">The source's catalog, read once.</param>
/// <param name="ownMigrationId">The id of this very migration where it was begun already: its own traces are no findings. Null before.</param>
/// <param name="whole">Ends with the whole run, not with one check: what is shared must outlive the check that asked first.</param>
internal sealed class ReadinessContext(MigrationSession session, SourceCatalog catalog, string? ownMigrationId, CancellationToken whole)
{
    private readonly ConcurrentDictionary<string, Lazy<Task>> _shared = new(StringComparer.Ordinal);

    public MigrationSession Session { get; } = session;

    public SourceCatalog Catalog { get; } = catalog;

    public string? OwnMigrationId { get; } = ownMigrationId;

    public Task<NpgsqlConnection> OpenSourceAsync(CancellationToken cancellationToken) => Session.OpenSourceAsync(cancellationToken);

    public Task<NpgsqlConnection> OpenTargetAsync(CancellationToken cancellationToken) => Session.OpenTargetAsync(cancellationToken);

    /// <summary>What several checks need is read once, by whoever asks first; the others wait for it, each for as long as it may.</summary>
    public Task<T> OnceAsync<T>(string what, Func<ReadinessContext, CancellationToken, Task<T>> read, CancellationToken cancellationToken)
    {
        var shared = _shared.GetOrAdd(what, _ => new Lazy<Task>(() => read(this, whole)));
        return ((Task<T>)shared.Value).WaitAsync(cancellationToken);
    }
}
