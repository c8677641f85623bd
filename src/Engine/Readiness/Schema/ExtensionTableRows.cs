using System.Globalization;
using HerokuMigrator.Catalog;
using HerokuMigrator.Cutover;
using HerokuMigrator.ExtensionRows;
using Npgsql;

namespace HerokuMigrator.Readiness;

internal sealed class ExtensionTableRows : IReadinessCheck
{
    private const int TablesRead = 50;

    private const int RowsCounted = 1000;

    /// <summary>Tables that their extension does not mark, but that somebody else than a superuser may write.</summary>
    private const string UnmarkedSql = $"""
        SELECT x.extname, n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_depend e ON e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e' JOIN pg_extension x ON x.oid = e.refobjid
        WHERE c.relkind IN ('r', 'p') AND c.oid <> ALL (coalesce(x.extconfig, ARRAY[]::oid[])) AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
          AND EXISTS (SELECT FROM pg_roles r WHERE r.rolcanlogin AND NOT r.rolsuper AND {ExtensionFence.MayWrite}) ORDER BY 1, 2, 3
        """;

    public string Id => nameof(ExtensionTableRows);

    public string Group => CheckGroup.Schema;

    public string Title => "Rows that users put into tables of extensions";

    /// <param name="Name">Qualified and quoted.</param>
    /// <param name="Text">With what it is of, its rows, and what is wrong with it.</param>
    /// <param name="Remedy">To be pasted; empty where there is nothing to mend.</param>
    private sealed record Filled(string Name, string Text, bool StaysBehind, string Remedy);

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        var relations = await ExtensionRelation.ReadAsync(source, cancellationToken);
        var counted = await CountAsync(source, relations, cancellationToken);
        var filled = new List<Filled>();
        if (counted.Count > 0)
        {
            var transfers = await PairAsync(context, source, relations, cancellationToken);
            var unfenced = (await ExtensionFence.FindUnfencedAsync(source, cancellationToken)).ToDictionary(one => one.Relation, StringComparer.Ordinal);
            filled.AddRange(transfers.Where(one => counted.ContainsKey(one.Source.QualifiedName)).Select(one => Describe(one, counted[one.Source.QualifiedName], unfenced)));
        }

        filled.AddRange(await FindUnmarkedAsync(source, cancellationToken));
        return Judge(filled, [.. relations.Where(relation => !relation.Readable).Select(relation => relation.QualifiedName)]);
    }

    private static Finding Judge(List<Filled> filled, List<string> unreadable)
    {
        var findings = filled.FindAll(one => one.StaysBehind || one.Remedy.Length > 0);
        if (findings.Count > 0)
        {
            var left = findings.FindAll(one => one.StaysBehind);
            var carried = filled.Count - left.Count;
            return Finding.Warning(
                (left.Count > 0 ? $"What users put into {FindingText.Count(left.Count, "table")} of extensions stays behind, wholly or in part: {Texts(left)}." : "")
                + (left.Count > 0 && left.Count < findings.Count ? " " : "")
                + (left.Count < findings.Count ? $"The fence cannot hold {FindingText.Count(findings.Count - left.Count, "table")} of extensions: {Texts(findings.FindAll(one => !one.StaysBehind))}." : "")
                + (carried > 0 ? $" {Carried(carried)}" : ""),
                "Tables of extensions are made by the extension on the target: jobs, settings or reference systems would be missing there, or the last of them.",
                string.Join('\n', findings.Select(one => one.Remedy).Where(remedy => remedy.Length > 0).Distinct(StringComparer.Ordinal)),
                findings.ConvertAll(one => one.Name));
        }

        if (unreadable.Count > 0)
        {
            return Finding.Skipped($"The role may not read {FindingText.Several(unreadable)}; nothing that stays behind was found elsewhere.");
        }

        return filled.Count == 0
            ? Finding.Pass("No table of an extension holds rows of users.")
            : Finding.Pass($"{Carried(filled.Count)} {Texts(filled)}.") with { Objects = filled.ConvertAll(one => one.Name) };
    }

    private static string Carried(int number) => $"What users put into {FindingText.Count(number, "table")} of extensions is carried over, at the start and again under the fence.";

    private static string Texts(List<Filled> filled) => FindingText.Several(filled.ConvertAll(one => one.Text));

    private static Filled Describe(ExtensionTransfer transfer, long rows, Dictionary<string, UnfencedRelation> unfenced)
    {
        var (name, number) = (transfer.Source.QualifiedName, transfer.Source.IsSequence ? "a sequence" : Rows(rows));
        if (transfer.Obstacle is { } obstacle)
        {
            return new Filled(name, $"{transfer.Source} ({number}; {obstacle})", StaysBehind: true, transfer.Remedy.Length > 0 ? transfer.Remedy : ByHand(transfer.Source));
        }

        if (transfer.LostColumns.Count > 0)
        {
            return new Filled(name, $"{transfer.Source} ({number}; the target's version has no column {SqlName.List(transfer.LostColumns)})", StaysBehind: true, $"ALTER EXTENSION {SqlName.Quote(transfer.Source.Extension)} UPDATE; -- on the target, where it has a newer version");
        }

        return unfenced.TryGetValue(name, out var one)
            ? new Filled(name, $"{transfer.Source} ({number}; {string.Join(", ", one.Writers.Take(3))} may write it until the end, and what is written while the switch runs stays behind)", StaysBehind: false, one.Remedy)
            : new Filled(name, $"{transfer.Source} ({number})", StaysBehind: false, "");
    }

    private static string ByHand(ExtensionRelation relation)
    {
        var file = $"'{relation.Name.Replace('/', '_').Replace("'", "''", StringComparison.Ordinal)}.copy'";
        return relation.IsSequence
            ? $"-- after the switch, set the sequence {relation.QualifiedName} on the target by hand"
            : $"""
            -- by hand, on the source, by psql:
            \copy (SELECT * FROM {relation.UserRows}) TO {file}
            -- then, after the switch, on the target; where the extension has functions for it (cron.schedule), use these instead:
            \copy {relation.QualifiedName} FROM {file}
            """;
    }

    /// <summary>As both sides will be once the start has made the target's extensions.</summary>
    private static async Task<IReadOnlyList<ExtensionTransfer>> PairAsync(
        ReadinessContext context, NpgsqlConnection source, IReadOnlyList<ExtensionRelation> relations, CancellationToken cancellationToken)
    {
        var trials = await ExtensionTrial.ReadAllAsync(context, cancellationToken);
        await using var target = await context.OpenTargetAsync(cancellationToken);
        var there = await ExtensionRelation.ReadAsync(target, cancellationToken);
        var extensions = await target.ListAsync("SELECT extname FROM pg_extension", row => row.GetString(0), cancellationToken);
        var made = trials.Where(trial => trial.Value.Refusal is null).ToList();
        return ExtensionTransfer.Pair(
            relations,
            [.. there, .. made.SelectMany(trial => trial.Value.Relations)],
            extensions.Concat(made.Select(trial => trial.Key)).ToHashSet(StringComparer.Ordinal),
            await KeptRows.ReadAsync(target, there, cancellationToken),
            (await CatalogQuestions.RoleAsync(source, cancellationToken), await CatalogQuestions.RoleAsync(target, cancellationToken)));
    }

    private static async Task<IReadOnlyList<Filled>> FindUnmarkedAsync(NpgsqlConnection source, CancellationToken cancellationToken)
    {
        var tables = await source.ListAsync(UnmarkedSql, row => (Extension: row.GetString(0), Name: SqlName.Qualify(row.GetString(1), row.GetString(2))), cancellationToken);
        var filled = new List<Filled>();
        foreach (var (extension, name) in tables.Take(TablesRead))
        {
            if (await CountAsync(source, name, cancellationToken) is > 0 and var rows)
            {
                filled.Add(new Filled(
                    name, $"{name} of {extension} ({Rows(rows)}; the extension does not tell those of users from its own)", StaysBehind: true, $"-- compare {name} of {extension} on both sides by hand"));
            }
        }

        return filled;
    }

    private static string Rows(long rows) => rows > RowsCounted ? $"more than {RowsCounted.ToString(CultureInfo.InvariantCulture)} rows" : FindingText.Count((int)rows, "row");

    private static async Task<Dictionary<string, long>> CountAsync(NpgsqlConnection source, IReadOnlyList<ExtensionRelation> relations, CancellationToken cancellationToken)
    {
        var counted = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var relation in relations.Where(relation => relation.Readable).Take(TablesRead))
        {
            if (await CountAsync(source, relation.UserRows, cancellationToken) is > 0 and var rows)
            {
                counted.Add(relation.QualifiedName, rows);
            }
        }

        return counted;
    }

    /// <summary>Bounded; null where somebody holds the table, or what the role may see cannot be told.</summary>
    private static async Task<long?> CountAsync(NpgsqlConnection source, string from, CancellationToken cancellationToken)
    {
        await using var transaction = await source.BeginTransactionAsync(cancellationToken);
        try
        {
            // Policies are in force here: a job table shows each role its own jobs.
            await source.ExecuteAsync("SET LOCAL lock_timeout = '200ms'; SET LOCAL statement_timeout = '2s'; SET LOCAL row_security = on; SET LOCAL transaction_read_only = on", cancellationToken);
            return await source.ScalarAsync<long>($"SELECT count(*) FROM (SELECT FROM {from} LIMIT {RowsCounted + 1}) rows", cancellationToken);
        }
        catch (PostgresException)
        {
            return null;
        }
    }
}
