using System.Globalization;
using System.Text.RegularExpressions;
using HerokuMigrator.Catalog;

namespace HerokuMigrator.Readiness;

/// <summary>A partition for a span of time, and those that would come after it.</summary>
internal sealed partial record RangePartition((string Schema, string Name) Table, (string Schema, string Name) Partition, DateTime From, DateTime To)
{
    private const int Most = 60;

    /// <summary>The ways in which a partition's name tells its beginning, the longer ones first.</summary>
    private static readonly string[] NameFormats =
    [
        "yyyy_MM_dd_HH", "yyyyMMdd_HHmmss", "yyyyMMdd_HHmm", "yyyy_MM_dd", "yyyy-MM-dd", "yyyyMMdd", "yyyy_MM", "yyyy-MM", "yyyyMM", "yyyy",
    ];

    public string TableName => SqlName.Qualify(Table.Schema, Table.Name);

    /// <summary>Null where a bound is no plain moment: MINVALUE, MAXVALUE, infinity, a year before Christ.</summary>
    public static RangePartition? Parse((string Schema, string Name) table, (string Schema, string Name) partition, string bound) =>
        BoundPattern().Match(bound) is { Success: true } match && Moment(match.Groups["from"].Value) is { } from && Moment(match.Groups["to"].Value) is { } to
            ? new RangePartition(table, partition, from, to)
            : null;

    /// <summary>Statements that make the partitions up to a moment, with names after the fashion of this one; none where the fashion is not plain.</summary>
    public IEnumerable<string> Following(DateTime until)
    {
        var format = NameFormats.FirstOrDefault(format => Partition.Name.Contains(Text(From, format), StringComparison.Ordinal));
        if (format is null || To <= From)
        {
            yield break;
        }

        var months = From.Day == 1 && To.Day == 1 && From.TimeOfDay == TimeSpan.Zero && To.TimeOfDay == TimeSpan.Zero ? (To.Year - From.Year) * 12 + To.Month - From.Month : 0;
        var (from, made, last) = (To, 0, Partition.Name);
        while (from < until && made++ < Most)
        {
            var to = months > 0 ? from.AddMonths(months) : from + (To - From);
            var name = Partition.Name.Replace(Text(From, format), Text(from, format), StringComparison.Ordinal);
            if (name == last)
            {
                yield break;
            }

            last = name;
            yield return $"CREATE TABLE {SqlName.Qualify(Partition.Schema, name)} PARTITION OF {TableName} FOR VALUES FROM ('{Bound(from)}') TO ('{Bound(to)}')";
            from = to;
        }
    }

    /// <summary>Whoever pastes it may be in another time zone; a column without one passes the offset over.</summary>
    private static string Bound(DateTime moment) => Text(moment, "yyyy-MM-dd HH:mm:ss") + "+00";

    private static string Text(DateTime moment, string format) => moment.ToString(format, CultureInfo.InvariantCulture);

    /// <summary>Our sessions write moments as ISO, in UTC.</summary>
    private static DateTime? Moment(string text) =>
        DateTime.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal | DateTimeStyles.AssumeUniversal, out var moment) ? moment : null;

    [GeneratedRegex(@"^FOR VALUES FROM \('(?<from>[^']+)'\) TO \('(?<to>[^']+)'\)$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex BoundPattern();
}
