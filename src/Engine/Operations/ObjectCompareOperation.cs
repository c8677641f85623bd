using HerokuMigrator.Catalog;
using HerokuMigrator.Verification;
using Npgsql;

namespace HerokuMigrator.Operations;

/// <summary>Compares what is not rows: each kind of object by its definition, and after the switch where the sequences stand. Reads only.</summary>
internal sealed class ObjectCompareOperation(MigrationSession session)
{
    private const int SequencesAStatement = 200;

    /// <summary>Kinds of which some are made under the fence only.</summary>
    private static readonly string[] MayWait = ["Table", "Constraint", "Trigger", "Rule", "Policy"];

    private sealed record Definition(string Word, string Text);

    public async Task<IReadOnlyList<ObjectComparison>> RunAsync(CancellationToken cancellationToken)
    {
        var row = await CompareOperation.RequireComparableAsync(session, cancellationToken);
        await using var source = await session.OpenSourceAsync(cancellationToken);
        await using var target = await session.OpenTargetAsync(cancellationToken);
        var sameVersion = source.PostgreSqlVersion.Major == target.PostgreSqlVersion.Major;
        var waiting = await target.ListAsync("SELECT sql FROM heroku_migrator.schema_entry WHERE done_at IS NULL", entry => entry.GetString(0), cancellationToken);
        var results = new List<ObjectComparison>();
        foreach (var (kind, sql) in ObjectQueries.All(sameVersion))
        {
            session.Events.Progress(new OperationProgress("Comparing the schemas", kind));
            var (left, right) = (await ReadAsync(source, sql, cancellationToken), await ReadAsync(target, sql, cancellationToken));
            var differences = Compare(left, right, MayWait.Contains(kind) ? waiting : []).ToList();
            if (kind == ObjectQueries.Sequence && row.Phase == MigrationPhase.Switched)
            {
                differences.AddRange(await FindSequencesBehindAsync(source, target, cancellationToken));
            }

            results.Add(new ObjectComparison
            {
                Name = session.Name,
                Kind = kind,
                Outcome = differences.TrueForAll(difference => difference.WaitsForFence) ? ComparisonOutcome.Equal : ComparisonOutcome.Different,
                Objects = left.Count,
                Differences = differences,
                Detail = Detail(kind, sameVersion, row.Phase),
                ComparedAt = DateTimeOffset.UtcNow,
            });
        }

        return results;
    }

    private static string Detail(string kind, bool sameVersion, MigrationPhase phase) => kind switch
    {
        ObjectQueries.Sequence when phase != MigrationPhase.Switched => "where they stand is set by the switch",
        "View" or "Rule" when !sameVersion => "queries are not compared, as servers of different versions write them in different ways",
        "Function" when !sameVersion => "bodies of SQL are not compared, as servers of different versions write them in different ways",
        _ => "",
    };

    private static async Task<Dictionary<string, Definition>> ReadAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken) =>
        (await connection.ListAsync(sql, row => (Name: row.GetString(0), Definition: new Definition(row.GetString(1), row.GetString(2))), cancellationToken))
        .DistinctBy(row => row.Name, StringComparer.Ordinal).ToDictionary(row => row.Name, row => row.Definition, StringComparer.Ordinal);

    private static IEnumerable<ObjectDifference> Compare(Dictionary<string, Definition> left, Dictionary<string, Definition> right, IReadOnlyList<string> waiting)
    {
        foreach (var name in left.Keys.Union(right.Keys, StringComparer.Ordinal).Order(StringComparer.Ordinal))
        {
            var (here, there) = (left.GetValueOrDefault(name), right.GetValueOrDefault(name));
            if (here?.Text != there?.Text)
            {
                yield return new ObjectDifference
                {
                    Kind = there is null ? DifferenceKind.Missing : here is null ? DifferenceKind.Extra : DifferenceKind.Changed,
                    Object = name,
                    Source = here?.Text,
                    Target = there?.Text,
                    WaitsForFence = here is not null && waiting.Any(sql => Names(sql, here.Word)),
                };
            }
        }
    }

    /// <summary>Not as a part of a longer name.</summary>
    private static bool Names(string sql, string word)
    {
        for (var at = sql.IndexOf(word, StringComparison.Ordinal); at >= 0; at = sql.IndexOf(word, at + 1, StringComparison.Ordinal))
        {
            if (!IsPartOfName(sql.ElementAtOrDefault(at - 1)) && !IsPartOfName(sql.ElementAtOrDefault(at + word.Length)))
            {
                return true;
            }
        }

        return false;

        static bool IsPartOfName(char sign) => char.IsLetterOrDigit(sign) || sign is '_' or '$' or '"';
    }

    /// <summary>The application may have gone on with them on the target; behind they must not be.</summary>
    private static async Task<IReadOnlyList<ObjectDifference>> FindSequencesBehindAsync(NpgsqlConnection source, NpgsqlConnection target, CancellationToken cancellationToken)
    {
        var (left, right) = (await ReadSequencesAsync(source, cancellationToken), await ReadSequencesAsync(target, cancellationToken));
        return
        [
            .. from here in left
               join there in right on here.Key equals there.Key
               where here.Value.Ascends ? there.Value.Next < here.Value.Next : there.Value.Next > here.Value.Next
               orderby here.Key
               select new ObjectDifference { Kind = DifferenceKind.Changed, Object = here.Key, Source = $"next value {here.Value.Next}", Target = $"next value {there.Value.Next}" },
        ];
    }

    private static async Task<Dictionary<string, (bool Ascends, decimal Next)>> ReadSequencesAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var found = new Dictionary<string, (bool, decimal)>(StringComparer.Ordinal);
        foreach (var batch in (await CatalogReader.ReadSequencesAsync(connection, cancellationToken)).Chunk(SequencesAStatement))
        {
            var sql = string.Join(" UNION ALL ", batch.Select(sequence =>
                $"SELECT q.seqrelid::regclass::text, q.seqincrement > 0, s.last_value::numeric + CASE WHEN s.is_called THEN q.seqincrement ELSE 0 END FROM {sequence.QualifiedName} s, pg_sequence q WHERE q.seqrelid = {SqlName.Literal(sequence.QualifiedName)}::regclass"));
            foreach (var (name, ascends, next) in await connection.ListAsync(sql, row => (row.GetString(0), row.GetBoolean(1), row.GetDecimal(2)), cancellationToken))
            {
                found[name] = (ascends, next);
            }
        }

        return found;
    }
}
