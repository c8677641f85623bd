using HerokuMigrator.Catalog;
using Npgsql;

namespace HerokuMigrator.Verification;

/// <summary>Shows rows that differ with the values of both sides.</summary>
internal sealed class DifferenceReader(ComparisonSide source, ComparisonSide target, ComparisonSql sql)
{
    private const int LongestShown = 200;
    private const int ShownBeforeDifference = 20;

    /// <param name="Beginning">The value, or the beginning of a long one; null: NULL.</param>
    /// <param name="Mark">The MD5 of all of it.</param>
    private sealed record Value(string? Beginning, string? Mark);

    public async Task<IReadOnlyList<DataDifference>> ReadAsync(IReadOnlyList<ConfirmedRow> rows, CancellationToken cancellationToken)
    {
        if (rows.Count == 0)
        {
            return [];
        }

        var parameters = ComparisonSql.Parameters([.. rows.Select(row => row.Key)]);
        var both = await Task.WhenAll(ByKeyAsync(source), ByKeyAsync(target));
        return
        [
            .. rows.Select((row, at) => Describe(
                row.Kind, string.Join(", ", sql.Table.Key.Select((column, part) => $"{SqlName.Quote(column)} = {Shorten(row.Key.Values[part], 0)}")),
                row.Kind == DifferenceKind.Extra ? null : both[0].GetValueOrDefault(at), row.Kind == DifferenceKind.Missing ? null : both[1].GetValueOrDefault(at))),
        ];

        async Task<Dictionary<int, Value[]>> ByKeyAsync(ComparisonSide side) =>
            (await side.QueryAsync(sql.Values, row => (Number: row.GetInt32(0), Values: ReadValues(row)), byKey: true, cancellationToken, parameters))
            .Where(row => row.Values is not null).ToDictionary(row => row.Number, row => row.Values!);
    }

    /// <summary>For rows without a key: one is shown for each row that one side has more of.</summary>
    public async Task<IReadOnlyList<DataDifference>> ReadByHashAsync(IReadOnlyDictionary<long, long> hashes, int most, CancellationToken cancellationToken)
    {
        var shown = new List<DataDifference>();
        foreach (var (side, kind, wanted) in new[]
        {
            (source, DifferenceKind.Missing, hashes.Where(entry => entry.Value > 0).Take(most).ToList()),
            (target, DifferenceKind.Extra, hashes.Where(entry => entry.Value < 0).Take(most).ToList()),
        })
        {
            if (wanted.Count == 0)
            {
                continue;
            }

            var rows = await side.QueryAsync(
                sql.ValuesByHash, row => (Hash: row.GetInt64(0), Values: ReadValues(row)), byKey: false, cancellationToken, wanted.Select(entry => entry.Key).ToArray());
            foreach (var (hash, values) in rows)
            {
                var one = kind == DifferenceKind.Missing ? Describe(kind, "", values, null) : Describe(kind, "", null, values);
                shown.AddRange(Enumerable.Repeat(one, (int)Math.Min(most, Math.Abs(hashes[hash]))));
            }
        }

        return shown.Count <= most ? shown : shown.GetRange(0, most);
    }

    private static Value[]? ReadValues(NpgsqlDataReader row)
    {
        if (row.IsDBNull(1))
        {
            return null;
        }

        var marks = row.GetFieldValue<string?[]>(2);
        return [.. row.GetFieldValue<string?[]>(1).Select((beginning, at) => new Value(beginning, marks[at]))];
    }

    private DataDifference Describe(DifferenceKind kind, string key, Value[]? left, Value[]? right)
    {
        var differing = Enumerable.Range(0, sql.Columns.Count).Where(at => left is null || right is null || left[at].Mark != right[at].Mark).ToList();
        return new DataDifference
        {
            Kind = kind,
            Key = key,
            Columns = [.. differing.Select(at => sql.Columns[at].Name)],
            Source = Show(left, right),
            Target = Show(right, left),
        };

        string? Show(Value[]? own, Value[]? other) => own is null ? null : string.Join(", ", differing.Select(at => $"{SqlName.Quote(sql.Columns[at].Name)} = {Text(own[at], other?[at])}"));
    }

    private static string Text(Value own, Value? other)
    {
        if (own.Beginning is not { } text)
        {
            return "NULL";
        }

        var from = other?.Beginning is { } compared ? text.AsSpan().CommonPrefixLength(compared) - ShownBeforeDifference : 0;
        // Beyond what was fetched only the MD5 tells them apart.
        return Shorten(text, Math.Clamp(from, 0, text.Length)) + (text.Length >= ComparisonSql.LongestValue ? $" (md5 {own.Mark})" : "");
    }

    private static string Shorten(string text, int from)
    {
        var start = text.Length <= LongestShown ? 0 : Math.Min(from, text.Length - LongestShown);
        var shown = text.Substring(start, Math.Min(LongestShown, text.Length - start));
        return (start > 0 ? "…" : "") + SqlName.Literal(shown) + (start + shown.Length < text.Length ? "…" : "");
    }
}
