using HerokuMigrator.Catalog;
using Npgsql;

namespace HerokuMigrator.Readiness;

/// <summary>What came of making one of the source's extensions on the target. Whether a role may is known by trying only: platforms have lists of their own.</summary>
/// <param name="Refusal">Null where it can be made.</param>
/// <param name="Relations">What it marked as filled by users while it was there.</param>
internal sealed record ExtensionTrial(string? Refusal, IReadOnlyList<ExtensionRelation> Relations)
{
    private const string SourceSql = "SELECT x.extname, n.nspname FROM pg_extension x JOIN pg_namespace n ON n.oid = x.extnamespace ORDER BY x.oid";

    private const string AbsentSql = "SELECT name FROM pg_available_extensions WHERE installed_version IS NULL";

    /// <summary>By name, those that the target has in its catalogue and not in this database. Tried once for all checks: two at a time would wait for each other.</summary>
    public static Task<IReadOnlyDictionary<string, ExtensionTrial>> ReadAllAsync(ReadinessContext context, CancellationToken cancellationToken) =>
        context.OnceAsync(nameof(ExtensionTrial), TryAllAsync, cancellationToken);

    private static async Task<IReadOnlyDictionary<string, ExtensionTrial>> TryAllAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        List<(string Name, string Schema)> extensions;
        await using (var source = await context.OpenSourceAsync(cancellationToken))
        {
            extensions = await source.ListAsync(SourceSql, row => (row.GetString(0), row.GetString(1)), cancellationToken);
        }

        await using var target = await context.OpenTargetAsync(cancellationToken);
        var absent = await target.ListAsync(AbsentSql, row => row.GetString(0), cancellationToken);
        var trials = new Dictionary<string, ExtensionTrial>(StringComparer.Ordinal);
        foreach (var extension in extensions.Where(extension => absent.Contains(extension.Name)))
        {
            trials.Add(extension.Name, await TryAsync(target, extension, cancellationToken));
        }

        return trials;
    }

    private static async Task<ExtensionTrial> TryAsync(NpgsqlConnection target, (string Name, string Schema) extension, CancellationToken cancellationToken)
    {
        var schema = SqlName.Quote(extension.Schema);
        var hasSchema = await target.ScalarAsync<bool>("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)", cancellationToken, extension.Schema);
        var create = $"CREATE EXTENSION {SqlName.Quote(extension.Name)} WITH SCHEMA {schema} CASCADE";
        List<ExtensionRelation> made = [];
        var refusal = await Probe.TryAsync(
            target,
            async () => made = (await ExtensionRelation.ReadAsync(target, cancellationToken)).FindAll(relation => relation.Extension == extension.Name),
            cancellationToken,
            hasSchema ? [create] : [$"CREATE SCHEMA {schema}", create]);
        return new ExtensionTrial(refusal?.MessageText, made);
    }
}
