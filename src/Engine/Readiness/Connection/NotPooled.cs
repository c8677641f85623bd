using HerokuMigrator.Connections;
using Npgsql;

namespace HerokuMigrator.Readiness;

internal sealed class NotPooled : IReadinessCheck
{
    private const int PgBouncerPort = 6432;
    private const int Rounds = 10;

    private const string Remedy =
        "Use the direct connection: port 5432 on PlanetScale, DATABASE_URL (not DATABASE_CONNECTION_POOL_URL) on Heroku.";

    public string Id => nameof(NotPooled);

    public string Group => CheckGroup.Connection;

    public string Title => "No connection pooler is in between";

    private enum Pooling
    {
        None,
        Likely,
        SharesSessions,
    }

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        var sides = new List<(string Side, Pooling Pooling)>
        {
            ("source", await InspectAsync(context.Session.SourceSettings, context.OpenSourceAsync, cancellationToken)),
            ("target", await InspectAsync(context.Session.TargetSettings, context.OpenTargetAsync, cancellationToken)),
        };
        var worst = sides.Max(side => side.Pooling);
        var names = string.Join(" and the ", sides.Where(side => side.Pooling == worst).Select(side => side.Side));
        return worst switch
        {
            Pooling.SharesSessions => Finding.Blocked(
                $"The connection to the {names} goes through a pooler that shares server sessions between clients.",
                "Settings of a session (session_replication_role = replica among them) would reach sessions of others, and locks would get lost.",
                Remedy),
            Pooling.Likely => Finding.Warning(
                $"The connection to the {names} seems to go through a pooler or proxy.",
                "A pooler that shares sessions, or cuts long ones, breaks the copy and the replication.",
                Remedy),
            _ => Finding.Pass("Both connections reach their server sessions directly."),
        };
    }

    private static async Task<Pooling> InspectAsync(
        ConnectionSettings settings, Func<CancellationToken, Task<NpgsqlConnection>> open, CancellationToken cancellationToken)
    {
        await using var first = await open(cancellationToken);

        // A server tells its own process id at the start; a pooler one of its own making, as it must route cancellations itself.
        if (first.ProcessID == await BackendAsync(first, cancellationToken) && settings.Address.Port != PgBouncerPort)
        {
            return Pooling.None;
        }

        await using var second = await open(cancellationToken);
        for (var round = 0; round < Rounds; round++)
        {
            // Other clients of the pooler get in between, hence the rounds.
            if (await SharesSessionsAsync(first, second, cancellationToken))
            {
                return Pooling.SharesSessions;
            }
        }

        return Pooling.Likely;
    }

    /// <summary>A pooler that hands out sessions by the transaction gives the second what the first has just used.</summary>
    private static async Task<bool> SharesSessionsAsync(NpgsqlConnection first, NpgsqlConnection second, CancellationToken cancellationToken)
    {
        var before = await BackendAsync(first, cancellationToken);
        await using var transaction = await second.BeginTransactionAsync(cancellationToken);
        var other = await BackendAsync(second, cancellationToken);
        return other == before || await BackendAsync(first, cancellationToken) != before;
    }

    private static Task<int> BackendAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        connection.ScalarAsync<int>("SELECT pg_backend_pid()", cancellationToken);
}
