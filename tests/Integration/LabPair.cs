using HerokuMigrator.Lab;
using Xunit;

[assembly: AssemblyFixture(typeof(HerokuMigrator.Integration.LabPair))]

namespace HerokuMigrator.Integration;

/// <summary>One Heroku-like and one PlanetScale-like server for all specs; each spec has databases, roles and a state folder of its own on them.</summary>
public sealed class LabPair : IAsyncDisposable
{
    private readonly SemaphoreSlim _gate = new(1, 1);
    private HerokuLikeServer? _heroku;
    private PlanetScaleLikeServer? _planetScale;

    public async Task<LabMove> NewMoveAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            _heroku ??= await HerokuLikeServer.StartAsync(cancellationToken);
            _planetScale ??= await PlanetScaleLikeServer.StartAsync(cancellationToken);
        }
        finally
        {
            _gate.Release();
        }

        return new LabMove(
            await _heroku.CreateDatabaseAsync(cancellationToken),
            await _planetScale.CreateDatabaseAsync(cancellationToken));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in new IAsyncDisposable?[] { _heroku, _planetScale })
        {
            if (server is not null)
            {
                await server.DisposeAsync();
            }
        }

        _gate.Dispose();
    }
}
