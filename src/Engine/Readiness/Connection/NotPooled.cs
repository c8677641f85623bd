using HerokuMigrator.Connections;
using Npgsql;

namespace HerokuMigrator.Readiness;

internal sealed class NotPooled : IReadinessCheck
{
    private const int PgBouncerPort = 6432;

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
        await using var second = await open(cancellationToken);
        var before = await BackendAsync(first, cancellationToken);
        int other, after;
        await using (await second.BeginTransactionAsync(cancellationToken))
        {
            // A pooler that hands out sessions by the transaction gives the second what the first has just used.
            other = await BackendAsync(second, cancellationToken);
            after = await BackendAsync(first, cancellationToken);
        }

        if (before != after || other == before)
        {
            return Pooling.SharesSessions;
        }

        // A pooler answers with a process id of its own making, as it must route cancellations itself.
        return first.ProcessID != before || settings.Address.Port == PgBouncerPort ? Pooling.Likely : Pooling.None;
    }

    private static Task<int> BackendAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        connection.ScalarAsync<int>("SELECT pg_backend_pid()", cancellationToken);
}
