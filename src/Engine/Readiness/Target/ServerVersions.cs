using Npgsql;

namespace HerokuMigrator.Readiness;

internal sealed class ServerVersions : IReadinessCheck
{
    /// <summary>The first with pg_current_xact_id(), by which no captured change is lost.</summary>
    private const int OldestSource = 13;

    public string Id => nameof(ServerVersions);

    public string Group => CheckGroup.Target;

    public string Title => "The versions of the servers fit";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        await using var target = await context.OpenTargetAsync(cancellationToken);
        var (from, to) = (await MajorAsync(source, cancellationToken), await MajorAsync(target, cancellationToken));
        if (from < OldestSource)
        {
            return Finding.Blocked(
                $"The source runs PostgreSQL {from}.",
                $"Lossless capture needs PostgreSQL {OldestSource} or newer.",
                $"Upgrade the source to PostgreSQL {OldestSource} or newer first (heroku pg:upgrade).");
        }

        return to < from
            ? Finding.Blocked(
                $"The target runs PostgreSQL {to}, which is older than the source's {from}.",
                "What the newer version writes into its schema the older one may not understand.",
                $"Create the target with PostgreSQL {from} or newer.")
            : Finding.Pass($"PostgreSQL {from} on the source, {to} on the target.");
    }

    internal static async Task<int> MajorAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        await connection.ScalarAsync<int>("SELECT current_setting('server_version_num')::int", cancellationToken) / 10000;
}
